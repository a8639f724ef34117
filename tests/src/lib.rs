//! What the whole-system tests have in common: a world, a run, and what must be
//! true of the world afterwards.

pub mod aftermath;
pub mod api;
pub mod authorization;
pub mod books;
pub mod change;
pub mod crash;
pub mod documents;
pub mod emulator;
pub mod format;
pub mod found;
pub mod openapi;
pub mod parallel;
pub mod per_function;
pub mod pictures;
pub mod policies;
pub mod processes;
pub mod rehearsal;
pub mod removal;
pub mod run;
pub mod situations;
pub mod standing;
pub mod tale;
pub mod template;
pub mod together;
pub mod tools;
pub mod turns;
pub mod variants;
pub mod verdict;
