"""From a file to a checked Document: containers, formats, codecs; what is mended, what is refused."""
