export enum Sign {
  Plus = '+',
}
