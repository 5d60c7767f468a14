//! How is the lab told to end? By Ctrl-C, by another process, or by a terminal that is closed.
//!
//! Work is cut short where it stands, so that whoever started a world can end it in order. Being told a second time
//! means at once: then what was started is ended by force.

use std::fmt;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// The word to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Ctrl-C.
    Interrupt,
    /// Another process asked.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl Word {
    /// What the process exits with, as a shell counts it.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// The error of work that was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutShort(pub Word);

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Word::Interrupt => "interrupted",
            Word::Terminate => "asked to end by another process",
            Word::HangUp => "the terminal was closed",
        })
    }
}

impl std::error::Error for CutShort {}

/// Why work was cut short, if it was.
pub fn word_of(error: &anyhow::Error) -> Option<Word> {
    error.downcast_ref().map(|&CutShort(word)| word)
}

/// Listens for the word to end.
#[derive(Clone, Debug)]
pub struct Ending {
    words: watch::Receiver<Vec<Word>>,
}

impl Ending {
    /// Listens from now on: from here, the process ends only by its own doing.
    pub fn listen() -> Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let (sender, words) = watch::channel(Vec::new());
        tokio::spawn(async move {
            loop {
                let word = tokio::select! {
                    _ = interrupt.recv() => Word::Interrupt,
                    _ = terminate.recv() => Word::Terminate,
                    _ = hang_up.recv() => Word::HangUp,
                };
                sender.send_modify(|words| words.push(word));
            }
        });
        Ok(Self { words })
    }

    /// Waits for the word.
    pub async fn told(&self) -> Word {
        self.told_times(1).await
    }

    /// Waits for the word to come again.
    pub async fn told_again(&self) -> Word {
        self.told_times(2).await
    }

    async fn told_times(&self, times: usize) -> Word {
        let mut words = self.words.clone();
        match words.wait_for(|words| words.len() >= times).await.ok().and_then(|words| words.last().copied())
        {
            Some(word) => word,
            // The listening task lives as long as the process.
            None => std::future::pending().await,
        }
    }

    /// Does work until it is done or the word comes. What the work started ends when it is dropped.
    pub async fn cut<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            told = self.told() => Err(CutShort(told).into()),
            done = work => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(words: watch::Receiver<Vec<Word>>) -> Ending {
        Ending { words }
    }

    #[tokio::test]
    async fn work_that_is_not_disturbed_gives_what_it_made() {
        let (_sender, words) = watch::channel(Vec::new());
        assert_eq!(by(words).cut(async { Ok(7) }).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn the_word_cuts_work_short_and_drops_it() {
        struct Flag<'f>(&'f std::cell::Cell<bool>);
        impl Drop for Flag<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let (_sender, words) = watch::channel(vec![Word::Terminate]);
        let is_dropped = std::cell::Cell::new(false);
        let flag = Flag(&is_dropped);
        let work = async move {
            let _held = flag;
            std::future::pending::<Result<()>>().await
        };
        let error = by(words).cut(work).await.unwrap_err();
        assert_eq!(word_of(&error), Some(Word::Terminate));
        assert!(is_dropped.get());
    }

    #[tokio::test]
    async fn one_word_is_not_yet_the_second() {
        let (sender, words) = watch::channel(vec![Word::Interrupt]);
        let ending = by(words);
        let wait = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(wait, ending.told_again()).await.is_err());
        sender.send_modify(|words| words.push(Word::HangUp));
        assert_eq!(ending.told_again().await, Word::HangUp);
    }

    #[test]
    fn another_error_is_no_word() {
        assert_eq!(word_of(&anyhow::anyhow!("terraform apply failed")), None);
        let cut = anyhow::Error::from(CutShort(Word::Interrupt)).context("while applying");
        assert_eq!(word_of(&cut), Some(Word::Interrupt));
    }
}
