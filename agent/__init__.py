"""The runtime: conversations, runs, the loop and its log. No HTTP server lives here and no concrete tool."""
