"""`frontdesk doctor`: looks at everything that an installation stands on, and says what to do. It changes nothing.

A file for each thing that is looked at. No finding holds a secret, a URL's password, or a text that another program wrote.
"""
