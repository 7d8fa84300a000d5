//! Work spread over processes and machines: queues of a manager, workers, commands.

pub mod command;
