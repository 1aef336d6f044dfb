"""The Jupyter server extension: chats, models and pulls for the sidebar.

`extension` wires, `relay` talks, `backend` is what all handlers share; each other file is one
feature, whose handlers decode, call and encode. The calls are described in docs/http-api.md.
"""
