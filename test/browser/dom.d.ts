/** Types of the DOM that the declarations of playwright-core name. Tests run outside the browser and use none of them. */
interface Node {
  readonly nodeType: number;
}
interface HTMLElement extends Node {
  readonly hidden: boolean;
}
interface SVGElement extends Node {
  readonly viewportElement: SVGElement | null;
}
interface HTMLElementTagNameMap {
  readonly body: HTMLElement;
}
