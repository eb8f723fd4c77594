//! Which address comes next. Pure.

use super::AddressShuffle;

/// The order of addresses, round after round.
#[derive(Debug)]
pub(super) struct AddressOrder {
    mode: AddressShuffle,
    order: Vec<usize>,
}

impl AddressOrder {
    pub(super) fn new(count: usize, mode: AddressShuffle) -> Self {
        Self {
            mode,
            order: (0..count).collect(),
        }
    }

    /// The addresses of the next round, each once.
    pub(super) fn round(&mut self) -> Vec<usize> {
        if self.mode == AddressShuffle::Random {
            fastrand::shuffle(&mut self.order);
        }
        self.order.clone()
    }

    /// A connect has succeeded.
    pub(super) fn connected(&mut self) {
        if self.mode == AddressShuffle::InOrder && !self.order.is_empty() {
            self.order.rotate_left(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_written_each_round_begins_with_the_first() {
        let mut order = AddressOrder::new(3, AddressShuffle::None);
        assert_eq!(order.round(), [0, 1, 2]);
        order.connected();
        assert_eq!(order.round(), [0, 1, 2]);
    }

    #[test]
    fn in_order_moves_the_first_to_the_end_after_each_connect_only() {
        let mut order = AddressOrder::new(3, AddressShuffle::InOrder);
        assert_eq!(
            (order.round(), order.round()),
            (vec![0, 1, 2], vec![0, 1, 2])
        );
        order.connected();
        assert_eq!(order.round(), [1, 2, 0]);
        order.connected();
        order.connected();
        assert_eq!(order.round(), [0, 1, 2]);
    }

    #[test]
    fn random_tries_each_address_once_a_round_and_every_one_comes_first_some_time() {
        let mut order = AddressOrder::new(3, AddressShuffle::Random);
        let mut firsts = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let mut round = order.round();
            firsts.extend(round.first().copied());
            round.sort_unstable();
            assert_eq!(round, [0, 1, 2]);
        }
        assert_eq!(firsts.len(), 3);
    }

    #[test]
    fn no_address_is_an_empty_round_and_no_panic() {
        let mut order = AddressOrder::new(0, AddressShuffle::InOrder);
        order.connected();
        assert!(order.round().is_empty());
    }
}
