"""Servers of the Model Context Protocol as toolsets: `toolset` what an assistant has, `connection` who owns a server."""
