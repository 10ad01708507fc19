"""Who runs the installation, over HTTP: whose tokens open `/admin`, what for, and what is recorded of it. The routes are `api/routes/admin*`."""
