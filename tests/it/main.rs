//! Whole-system tests, in one binary so that linking happens once.

mod api;
mod by_hand;
mod change;
mod change_faults;
mod definitions;
mod deprovision;
mod documents;
mod fault_pairs;
mod fleet;
mod leases;
mod life_faults;
mod limits;
mod permissions;
mod processes;
mod provision;
mod removal_faults;
mod safeguards;
mod settings;
mod single_faults;
mod sizes;
mod standing;
mod strange_answers;
mod surroundings;
mod sweep;
mod template;
mod twice;
