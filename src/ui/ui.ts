/** The public names of `fsq/ui`. */
export { createUi, type Ui, type UiOptions, type UiRequest, type UiResponse } from './create-ui.ts';
