//! Pages of tales that were made by hand.
