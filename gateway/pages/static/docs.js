// Starts Swagger UI inside our page: no second title or landmark, no link inside a button, and its
// words in the page's language. A file of its own, because the page allows no inline script.
"use strict";

const container = document.getElementById("swagger-ui");
const labels = JSON.parse(container.dataset.labels); // English -> the page's language

const referencePlugin = ({ React }) => {
  const h = React.createElement;
  const ReferenceLayout = ({ getComponent, specSelectors }) => {
    const status = specSelectors.loadingStatus();
    if (status === "failed") return h(getComponent("errors", true));
    if (status !== "success") return h("p", { className: "loading-text" }, "Loading...");
    return h(
      "div",
      { className: "swagger-ui" },
      h(getComponent("errors", true)),
      h("div", { className: "scheme-container" }, h(getComponent("AuthorizeBtnContainer", true))),
      h(getComponent("operations", true)),
    );
  };
  const DeepLink = ({ text }) => h("span", null, text);
  return { components: { ReferenceLayout, DeepLink } };
};

const relabel = (text) => {
  const label = labels[text.trim()];
  return label === undefined ? text : text.replace(text.trim(), label);
};

const relabelTree = (root) => {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    // What members sent and received is never touched.
    if (node.parentElement.closest("pre, textarea, option")) continue;
    const text = relabel(node.data);
    if (text !== node.data) node.data = text;
  }
  for (const element of root.querySelectorAll("[aria-label], [title], [placeholder]")) {
    for (const name of ["aria-label", "title", "placeholder"]) {
      const text = element.getAttribute(name);
      if (text && relabel(text) !== text) element.setAttribute(name, relabel(text));
    }
  }
};

// What Swagger UI leaves without a name or out of the keyboard's reach, or makes a landmark of.
const mendTree = (root) => {
  for (const body of root.querySelectorAll("textarea.body-param__text:not([aria-label])")) {
    body.setAttribute("aria-label", relabel("Request body"));
  }
  for (const close of root.querySelectorAll("button.close-modal:not([aria-label])")) {
    close.setAttribute("aria-label", relabel("Close"));
  }
  for (const table of root.querySelectorAll("table[role=region]")) {
    table.removeAttribute("role");
  }
  for (const code of root.querySelectorAll("pre.microlight:not([tabindex])")) {
    code.setAttribute("tabindex", "0");
  }
};

const observer = new MutationObserver(() => {
  relabelTree(container);
  mendTree(container);
});
observer.observe(container, { childList: true, subtree: true, characterData: true });

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const applyScheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
applyScheme();
dark.addEventListener("change", applyScheme);

SwaggerUIBundle({
  url: container.dataset.openapi,
  domNode: container,
  layout: "ReferenceLayout",
  plugins: [referencePlugin],
  deepLinking: true,
  persistAuthorization: false, // an access key is never kept in the browser
  validatorUrl: null, // nothing leaves this page's origin
});
