mod acknowledged;
mod dead_lettered;
mod left_to_broker;
mod parked;
mod requeued;
mod retried;
mod shop;
mod stopped;
