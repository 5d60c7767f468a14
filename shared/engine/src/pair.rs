//! How does a guard of two see its pair, and what does it say? It looks at its own side, reads the other guard's word, and keeps its
//! own word where the other one reads it.

use std::time::Duration;

use futures::future::{Either, select};
use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use ports::{Answer, Clock, Databases, ReplicaView, Replication, Traffic, Words};
use protocol::group::{Group, groups};
use protocol::journal::EndpointSeen;
use protocol::pair::{DatabaseStands, GroupLook, PairSeen};
use protocol::plan::{Database, Plan, Route};
use protocol::side::Sides;
use protocol::state::State;
use protocol::state::holdings::Ownership;
use protocol::word::{JournalPlace, Word};

use crate::fences;

/// Longest wait for the other guard's word. Its region may be lost, and no look waits for that.
const WORD_WAIT: Duration = Duration::from_secs(2);

/// Routes asked about at once.
const CONCURRENCY: usize = 8;

/// Whom a guard of two asks.
#[derive(Clone, Copy)]
pub struct PairSources<'a> {
    /// The words of both guards.
    pub words: &'a dyn Words,
    /// Databases of the own side.
    pub databases: &'a dyn Databases,
    /// Routes.
    pub traffic: &'a dyn Traffic,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// What a look at the pair came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairLook {
    /// What was seen.
    pub seen: PairSeen,
    /// Why the other guard's word is not known, or doesn't count.
    pub unheard: Option<String>,
}

/// Looks at the pair. At groups that it holds, or stands by for, a guard need not look: only what is not settled yet is settled by
/// a look.
///
/// # Errors
/// What the guard keeps of itself can't be read: nothing may follow from the rest.
pub async fn look(sources: PairSources<'_>, plan: &Plan, state: &State) -> Answer<PairLook> {
    let at = sources.clock.now();
    let unsettled: Vec<Group> = groups(plan).into_iter().filter(|group| is_unsettled(group, state)).collect();
    let (table_id, own, other, looks) = futures::join!(
        sources.words.table_id(),
        sources.words.own(&plan.name),
        hear(sources, plan),
        look_at(sources, plan, &unsettled)
    );
    let (table_id, own) = (table_id?, own?);
    // A word of its own that it can't read any more says nothing; then it listens anew.
    let own = own.and_then(|text| Word::read(&text).ok());
    let (heard, heard_at) = own.map(|word| (word.heard, word.heard_at)).unwrap_or_default();
    let (word, unheard) = match other {
        Ok(word) => {
            let problem = word.counts(plan, heard.as_ref()).err().map(|problem| problem.to_string());
            (Some(word), problem)
        }
        Err(why) => (None, Some(why)),
    };
    Ok(PairLook { seen: PairSeen { at, table_id, heard, heard_at, word, looks }, unheard })
}

/// Keeps what a guard holds now where the other one reads it. Only after what it had heard was settled: a word says up to where.
pub async fn say(words: &dyn Words, plan: &Plan, state: &State, look: &PairLook, clock: &dyn Clock) {
    let PairSeen { table_id, looks, .. } = &look.seen;
    let serves =
        looks.iter().filter_map(|look| Some((look.group.clone(), look.served(plan.seat)?))).collect();
    let (heard, heard_at) = look.heard();
    let word = Word { heard, heard_at, ..Word::of(plan, state, table_id, &serves, clock.now()) };
    if let Err(failure) = words.keep(&word).await {
        tracing::warn!(%failure, "the word to the other guard can't be kept");
    }
}

impl PairLook {
    /// How far the other guard is heard by now, and when it last was.
    fn heard(&self) -> (Option<JournalPlace>, Option<Timestamp>) {
        let PairSeen { at, heard, heard_at, word, .. } = &self.seen;
        match word.as_ref().filter(|_| self.unheard.is_none()) {
            Some(word) => (Some(word.heard_up_to.clone()), Some(*at)),
            None => (heard.clone(), *heard_at),
        }
    }
}

fn is_unsettled(group: &Group, state: &State) -> bool {
    let is_open = |ownership| matches!(ownership, Ownership::Unknown | Ownership::Unprotected);
    state.guard.is_none() || group.items().any(|item| is_open(state.holding(item).ownership))
}

/// The other guard's word; why it is not known.
async fn hear(sources: PairSources<'_>, plan: &Plan) -> Result<Word, String> {
    let asked = sources.words.other(&plan.name);
    let text = match select(asked, sources.clock.sleep(WORD_WAIT)).await {
        Either::Left((answer, _)) => answer.map_err(|failure| failure.to_string())?,
        Either::Right(_) => return Err(format!("no answer within {} s", WORD_WAIT.as_secs())),
    };
    let text = text.ok_or_else(|| "it has said nothing yet".to_owned())?;
    Word::read(&text).map_err(|problem| problem.to_string())
}

/// How groups stand on the own side; those that can't be looked at are left out.
async fn look_at(sources: PairSources<'_>, plan: &Plan, unsettled: &[Group]) -> Vec<GroupLook> {
    let wanted = |group: &Group| -> Vec<&Database> {
        let named = |database: &&Database| group.databases.contains(&database.name);
        plan.databases.iter().filter(named).collect()
    };
    let databases: Vec<&Database> = unsettled.iter().flat_map(wanted).collect();
    let views = if databases.is_empty() {
        Vec::new()
    } else {
        match sources.databases.look(&databases, plan.seat).await {
            Ok(views) => views,
            Err(failure) => {
                tracing::warn!(%failure, "the databases of the own side can't be looked at");
                return Vec::new();
            }
        }
    };
    let routes_of = |group: &Group| {
        let named = |route: &&Route| group.routes.contains(&route.name);
        plan.routes.iter().filter(named).collect::<Vec<_>>()
    };
    let routes: Vec<_> =
        unsettled.iter().flat_map(routes_of).map(|route| endpoints(sources, route)).collect();
    let seen: Vec<Sides<EndpointSeen>> = stream::iter(routes).buffered(CONCURRENCY).collect().await;
    let (mut views, mut seen) = (views.iter().map(stands), seen.into_iter());
    let look = |group: &Group| GroupLook {
        group: group.name.clone(),
        databases: views.by_ref().take(wanted(group).len()).collect(),
        routes: seen.by_ref().take(routes_of(group).len()).collect(),
    };
    unsettled.iter().map(look).collect()
}

async fn endpoints(sources: PairSources<'_>, route: &Route) -> Sides<EndpointSeen> {
    fences::endpoints(sources.traffic, sources.clock, route).await.0
}

fn stands(view: &ReplicaView) -> DatabaseStands {
    match view {
        ReplicaView::Writable => DatabaseStands::Writes,
        ReplicaView::Replica { replication: Replication::Running, .. } => DatabaseStands::Follows,
        ReplicaView::Replica { .. }
        | ReplicaView::Headless
        | ReplicaView::Changing { .. }
        | ReplicaView::Missing => DatabaseStands::Unclear,
    }
}
