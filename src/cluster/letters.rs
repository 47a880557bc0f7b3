//! Questions that one node asks another, and their answers. What they say is theirs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::base::Incarnation;
use crate::store::meta::Result;

use super::board::Board;

/// A question to this node.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is asked.
    pub text: Bytes,
    key: Bytes,
}

impl Question {
    /// What tells it from all others.
    pub fn name(&self) -> &Bytes {
        &self.key
    }
}

impl Board {
    /// Asks a node; none when it is gone, or does not answer in time.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn ask(
        self: &Arc<Self>,
        node: Incarnation,
        text: Bytes,
        patience: Duration,
    ) -> Result<Option<Bytes>> {
        let (ours, number) = (self.incarnation(), self.fresh());
        let question = self.key(format_args!("questions/{node}/{ours}/{number}"));
        let answer = self.key(format_args!("answers/{ours}/{number}"));
        let put = self.put(question.clone(), text).await;
        let heard = match &put {
            Ok(put) => self.heard(node, &answer, *put, patience).await,
            Err(_) => Ok(None),
        };
        let board = Arc::clone(self);
        // The answer may come late: it is taken away as well, and once more by who puts it.
        tokio::spawn(async move { board.remove_surely(vec![question, answer]).await });
        put?;
        heard
    }

    async fn heard(
        &self,
        node: Incarnation,
        answer: &Bytes,
        put: crate::base::Revision,
        patience: Duration,
    ) -> Result<Option<Bytes>> {
        self.arrived(put).await?;
        let heard = async {
            loop {
                let changed = self.changed();
                let now = self.now();
                if let Some(answer) = now.state.answers.get(answer) {
                    return Some(answer.clone());
                }
                if !now.state.numbers.values().any(|known| *known == node) {
                    return None;
                }
                changed.await;
            }
        };
        Ok(tokio::time::timeout(patience, heard).await.unwrap_or_default())
    }

    /// The questions to this node that are there now.
    pub fn questions(&self) -> Vec<Question> {
        let ours = self.key(format_args!("questions/{}/", self.incarnation()));
        let now = self.now();
        let mine = now.state.questions.range(ours.clone()..);
        mine.take_while(|(key, _)| key.starts_with(&ours))
            .map(|(key, text)| Question { text: text.clone(), key: key.clone() })
            .collect()
    }

    /// Answers a question, unless nobody waits for the answer any more.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn answer(&self, question: &Question, text: Bytes) -> Result<()> {
        let name = String::from_utf8_lossy(&question.key).into_owned();
        let mut parts = name.rsplit('/');
        let (Some(number), Some(asker)) = (parts.next(), parts.next()) else { return Ok(()) };
        let answer = self.key(format_args!("answers/{asker}/{number}"));
        let waited_for = |notes: &super::board::Notes| notes.questions.contains_key(&question.key);
        if !waited_for(&self.now().state) {
            return Ok(());
        }
        let put = self.put(answer.clone(), text).await?;
        self.arrived(put).await?;
        // Whoever has gone meanwhile may have looked before it was there.
        if !waited_for(&self.now().state) {
            self.remove(&[answer]).await?;
        }
        Ok(())
    }
}
