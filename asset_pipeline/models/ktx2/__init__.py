"""KTX2 textures with Basis Universal: headers read here, pixels packed and unpacked by Node beside us."""
