"""An OpenAPI document as a toolset: its operations are tools, and a call of one is a request of the backend."""
