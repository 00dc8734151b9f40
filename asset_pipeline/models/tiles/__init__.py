"""3D Tiles 1.1 of a model that stands on the globe."""
