// What the type check of api/dashboard/static is told beyond the language and the browser.

// Scripts of vendor/, which pages load before ours.
interface Window {
  Idiomorph: any;
  uPlot: any;
}

// Which kind of element a selector finds is known to the template that wrote it, not to the script.
interface ParentNode {
  querySelector<E extends Element = any>(selectors: string): E | null;
  querySelectorAll<E extends Element = any>(selectors: string): NodeListOf<E>;
}
interface Document {
  getElementById(elementId: string): any;
}
interface Element {
  closest<E extends Element = any>(selectors: string): E | null;
}

// Pages listen to elements and to the document only, so the target of an event is an element.
interface EventTarget {
  closest<E extends Element = any>(selectors: string): E | null;
  matches(selectors: string): boolean;
  dataset: DOMStringMap;
  id: string;
}

// Our own events ("changed") carry a detail.
interface Event {
  detail: any;
}
