"""`frontdesk chat`: a client of the HTTP API in a terminal, in text that no terminal obeys. `chat` is the client, the rest what it shows and asks."""
