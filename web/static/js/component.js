/**
 * A piece of a page: takes one root element, checks what it needs, listens only until stopped.
 * `begin` starts it so that a failing one leaves the rest of the page alive.
 *
 * @module component
 */

/**
 * @template {Element} T
 * @typedef {{new (...args: any[]): T}} ElementClass
 */

export class Component {
  #ending = new AbortController();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /**
   * The one element that a selector names, of the kind that is needed; throws if it is not there.
   *
   * @template {Element} T
   * @param {string} selector
   * @param {ElementClass<T>} [kind]
   * @returns {T}
   */
  need(selector, kind) {
    return need(this.root, selector, kind);
  }

  /**
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: any) => void} listener
   * @param {AddEventListenerOptions} [options]
   */
  listen(target, type, listener, options = {}) {
    target.addEventListener(type, listener, { ...options, signal: this.#ending.signal });
  }

  /** Calls `work` every `ms` until stopped. @param {number} ms @param {() => void} work */
  every(ms, work) {
    const timer = setInterval(work, ms);
    this.whenStopped(() => clearInterval(timer));
  }

  /** @param {() => void} work */
  whenStopped(work) {
    this.#ending.signal.addEventListener("abort", work);
  }

  /** Ends all listening; idempotent. */
  stop() {
    this.#ending.abort();
  }
}

/**
 * Makes a component on the element that `selector` names. One that cannot start is told to the
 * console and is null; the page goes on without it.
 *
 * @template T
 * @param {string} selector
 * @param {(root: HTMLElement) => T} construct
 * @returns {T|null}
 */
export function begin(selector, construct) {
  try {
    return construct(need(document, selector, HTMLElement));
  } catch (error) {
    console.error(`${selector} did not start`, error);
    return null;
  }
}

/**
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {ElementClass<T>} [kind]
 * @returns {T}
 */
export function need(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!found || (kind && !(found instanceof kind))) throw new Error(`no ${selector} here`);
  return /** @type {T} */ (found);
}

/**
 * A new element with attributes and children; text stays text.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string|boolean|null>} [attributes] true sets an empty one, false and null none
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
