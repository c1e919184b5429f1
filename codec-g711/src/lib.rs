//! ITU-T G.711 A-law and mu-law, bit-exact with the reference.
