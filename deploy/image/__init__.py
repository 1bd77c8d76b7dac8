"""The one image of all roles, what is locked into it, and its bill of materials."""
