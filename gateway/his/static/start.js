SwaggerUIBundle({ url: "openapi.json", dom_id: "#page", defaultModelsExpandDepth: 0, validatorUrl: null });
