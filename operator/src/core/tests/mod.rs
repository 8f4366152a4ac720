//! The core's decisions, told as what happens in a small cluster.

mod lifecycle;
mod obstacles;
mod simulation;
mod world;
