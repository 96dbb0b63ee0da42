// Starts Swagger UI. A file of its own, so that the page needs no inline script.
// No validator badge: it would ask a server on the internet.
if (typeof SwaggerUIBundle !== "undefined") {
  SwaggerUIBundle({
    url: new URL("../openapi.json", document.currentScript.src).href,
    dom_id: "#docs",
    deepLinking: true,
    displayRequestDuration: true,
    validatorUrl: null,
    supportedSubmitMethods: ["get"],
  });
}
