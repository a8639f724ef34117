//! Whole-system tests, in one binary so that linking happens once.

mod provision;
mod single_faults;
