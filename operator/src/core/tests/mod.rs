//! The core's decisions, told as what happens in a small cluster.

mod images;
mod lifecycle;
mod obstacles;
mod reach;
mod simulation;
mod unreadable;
mod world;
