"""3D models: any glTF, OBJ, PLY or STL in; small compressed GLBs and a poster out.

`run.py` is the main path and `recipes.py` the data that drives it. `reading/` makes a checked Document of a
file, `steps/` are functions from Document to Document, `write_glb.py` writes one, `measure.py` and
`deviation.py` say what came out, and `posters/` takes its picture.
"""
