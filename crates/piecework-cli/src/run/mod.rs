//! Commands run for tasks: where the tasks come from, who runs them, what becomes of the results.
//!
//! ```text
//!  input ─▶ feed ─put─▶ orders ─take─▶ slot 1 .. slot N ─tell─▶ reports ─▶ collect ─▶ print
//!            ▲                        one command each                      │
//!            └─────────────── window: how far ahead ◀──────────────────────┘
//! ```
//!
//! Orders and reports are on a [`Board`](board::Board): the queues of the manager that `map`
//! embeds, or those of one on the network that several runs share. The slots know a
//! [`Link`](link::Link) and nothing of what is behind it: a board for `map` and `worker --exec`, or
//! a queue of plain tasks for `worker`. A run that has a name keeps [`books`], so that it can be
//! taken up again. [`stop`] tells everybody how far a stop has gone, and the
//! [`guard`] is a second process that ends what is left if this one is killed.

pub(crate) mod answer;
pub(crate) mod board;
pub(crate) mod books;
pub(crate) mod collect;
pub(crate) mod crew;
pub(crate) mod embedded;
pub(crate) mod feed;
pub(crate) mod files;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod halt;
pub(crate) mod held;
pub(crate) mod here;
pub(crate) mod jobs;
pub(crate) mod link;
pub(crate) mod live;
pub(crate) mod manager_link;
pub(crate) mod master;
pub(crate) mod notes;
pub(crate) mod order;
pub(crate) mod order_link;
pub(crate) mod piece;
pub(crate) mod pieces;
pub(crate) mod print;
pub(crate) mod program;
pub(crate) mod recipe;
pub(crate) mod remote;
pub(crate) mod rlimit;
pub(crate) mod slot;
pub(crate) mod slots;
pub(crate) mod spec;
pub(crate) mod stop;
pub(crate) mod summary;
pub(crate) mod term_seq;
pub(crate) mod timeout;
pub(crate) mod turns;
pub(crate) mod values;
pub(crate) mod window;
