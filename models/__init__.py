"""Arrays in, arrays out: interactive models, pre-labellers and post-processors.

Nothing in here knows HTTP, Label Studio or the environment.
Positions are (row, column) pixels, origin at the top left, an integer is a pixel centre.
"""
