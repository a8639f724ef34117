//! The function over the in-process world.
