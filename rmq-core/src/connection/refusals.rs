//! What one round over the addresses says against going on with a start.

use super::attempt::Failed;

/// The addresses, by index, whose error will not pass by itself.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Whose login was refused. Nodes share their users, so one speaks for every address of that login.
    logins: Vec<usize>,
    /// Whose error is the node's own, such as a certificate: another node may take us.
    nodes: Vec<usize>,
    /// Whether another try of some address may work.
    hopeful: bool,
}

impl Refusals {
    pub(super) fn note(&mut self, index: usize, failed: &Failed) {
        match (failed.error.permanent, failed.of_login) {
            (false, _) => self.hopeful = true,
            (true, true) => self.logins.push(index),
            (true, false) => self.nodes.push(index),
        }
    }

    /// Whose login was refused.
    pub(super) fn logins(&self) -> &[usize] {
        &self.logins
    }

    /// The address whose error ends the start, if one does.
    pub(super) fn last_word(&self) -> Option<usize> {
        let node = self.nodes.first().filter(|_| !self.hopeful);
        self.logins.first().or(node).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Refusals;
    use crate::connection::attempt::Failed;
    use crate::connection::{AttemptError, ConnectErrorKind};

    fn failed(permanent: bool, of_login: bool) -> Failed {
        let error = AttemptError {
            address: "here".into(),
            kind: ConnectErrorKind::Authentication,
            text: String::new(),
            permanent,
        };
        Failed {
            error,
            of_login,
            hook: None,
        }
    }

    fn last_word(round: &[(bool, bool)]) -> Option<usize> {
        let mut refusals = Refusals::default();
        for (index, (permanent, of_login)) in round.iter().enumerate() {
            refusals.note(index, &failed(*permanent, *of_login));
        }
        refusals.last_word()
    }

    #[test]
    fn a_refused_login_is_final_and_a_node_only_when_every_one_is_useless() {
        let (login, node, passing) = ((true, true), (true, false), (false, false));
        assert_eq!(last_word(&[]), None);
        assert_eq!(last_word(&[passing]), None);
        assert_eq!(last_word(&[passing, login]), Some(1));
        assert_eq!(last_word(&[node, login]), Some(1));
        assert_eq!(last_word(&[node, node]), Some(0));
        assert_eq!(last_word(&[node, passing]), None);
        assert_eq!(last_word(&[passing, node]), None);
    }
}
