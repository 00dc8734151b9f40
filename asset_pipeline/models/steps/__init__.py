"""One change each, from a Document (or its arrays) to a new one. `run.py` calls them in their order."""
