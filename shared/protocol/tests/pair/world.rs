//! Two regions with a guard in each: what is true of databases and endpoints, the guards' journals, and every word they said.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use protocol::command::Step;
use protocol::decide::{Facts, Verdict, decide};
use protocol::digest::Digest;
use protocol::endpoint::Setting;
use protocol::group::{Group, groups, scope};
use protocol::journal::{
    Cause, DataLoss, EndpointSeen, Event, JOURNAL_SCHEMA, Record, RunKind, RunReport, SubjectDone,
};
use protocol::name::Name;
use protocol::operator::{OperatorCommand, Overrides};
use protocol::pair::{DatabaseStands, GroupLook, PairSeen};
use protocol::plan::Plan;
use protocol::side::{Side, Sides};
use protocol::state::holdings::{Holding, Ownership};
use protocol::state::{Phase, State, evolve};
use protocol::word::{JournalPlace, Word};

/// The shop with a second route, which needs a database of its own: two groups.
pub(crate) fn plan() -> Plan {
    let mut plan = Plan::from_json(include_str!("../plans/both-ways.json")).expect("the plan is valid");
    let (mut audit, mut back) = (plan.databases[0].clone(), plan.routes[0].clone());
    audit.name = Name::from("audit");
    back.name = Name::from("back");
    back.after = vec![audit.name.clone(), Name::from("web")];
    plan.fleets[0].after.clear();
    plan.databases.push(audit);
    plan.routes.push(back);
    plan
}

/// What is true of one region.
#[derive(Clone, Debug, Default)]
struct Region {
    writes: BTreeSet<Name>,
    open: BTreeSet<Name>,
}

/// A guard, with its journal and all that it said.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) plan: Plan,
    pub(crate) state: State,
    pub(crate) records: Vec<Record>,
    pub(crate) table_id: String,
    said: Vec<Word>,
    heard: Option<JournalPlace>,
}

impl Guard {
    pub(crate) fn new(seat: Side) -> Self {
        let table_id = format!("table-{}", seat.as_str());
        let (state, records, said) = (State::default(), Vec::new(), Vec::new());
        Self { plan: plan().seated(seat), state, records, table_id, said, heard: None }
    }

    /// Appends an event, which must be legal.
    pub(crate) fn write(&mut self, run: Option<u64>, now: Timestamp, event: Event) -> u64 {
        self.append(run, now, event, "Written by a test.".into())
    }

    fn append(&mut self, run: Option<u64>, now: Timestamp, event: Event, sentence: String) -> u64 {
        let seq = self.state.next_seq();
        let digest = |record: &Record| Digest::of(&serde_json::to_string(record).expect("JSON"));
        let record = Record {
            schema: JOURNAL_SCHEMA,
            previous: self.records.last().map(digest),
            plan: self.plan.name.clone(),
            seq,
            run,
            at: now,
            writer: "test".into(),
            attempt: seq.to_string(),
            sentence,
            request: None,
            event,
        };
        self.state = evolve(self.state.clone(), &record)
            .unwrap_or_else(|illegal| panic!("{illegal}: {:?}", record.event));
        self.records.push(record);
        seq
    }

    /// Answers a command with what it sees of its pair in hand: what was decided, or why it was refused.
    pub(crate) fn operate(
        &mut self,
        command: OperatorCommand,
        pair: PairSeen,
        now: Timestamp,
    ) -> Result<String, String> {
        let facts = Facts { operator: Some(command), pair: Some(pair), ..Facts::default() };
        for _ in 0..50 {
            let Some(draft) = decide(&self.plan, &self.state, &facts, now).append else { break };
            let (answers, sentence) = (draft.answers, draft.sentence.clone());
            self.append(draft.run, now, draft.event, draft.sentence);
            match answers {
                Some(Verdict::Accepted) => return Ok(sentence),
                Some(Verdict::Refused) => return Err(sentence),
                None => {}
            }
        }
        panic!("the command is not answered");
    }

    /// What is known of the items is this.
    pub(crate) fn hold(&mut self, items: &[Name], holding: Holding) {
        let known: BTreeMap<&Name, Holding> = items.iter().map(|item| (item, holding)).collect();
        let json = serde_json::to_value(known).expect("JSON");
        self.state.holdings = serde_json::from_value(json).expect("holdings");
    }

    /// Decides by what it sees of its pair until that comes to rest.
    pub(crate) fn settle(&mut self, pair: PairSeen, now: Timestamp) {
        let facts = Facts { pair: Some(pair), ..Facts::default() };
        for _ in 0..50 {
            let Some(draft) = decide(&self.plan, &self.state, &facts, now).append else { return };
            self.append(draft.run, now, draft.event, draft.sentence);
        }
        panic!("deciding does not come to rest");
    }
}

/// The world.
pub(crate) struct World {
    now: Timestamp,
    regions: Sides<Region>,
    pub(crate) guards: Sides<Guard>,
    /// Who was ever seen to own a group by a term.
    owners: BTreeMap<(Name, u64), Side>,
}

impl World {
    /// The primary side serves. `was_alone`: the guard of the recovery side has a journal of before there were two.
    pub(crate) fn new(was_alone: bool) -> Self {
        let plan = plan();
        let serving = Region {
            writes: plan.databases.iter().map(|database| database.name.clone()).collect(),
            open: plan.routes.iter().map(|route| route.name.clone()).collect(),
        };
        let mut world = Self {
            now: Timestamp::from_second(1_800_000_000).expect("a time"),
            regions: Sides { primary: serving, recovery: Region::default() },
            guards: Sides::from_fn(Guard::new),
            owners: BTreeMap::new(),
        };
        if was_alone {
            let released = Event::HoldReleased { by: "ana".into() };
            world.guards.recovery.write(None, world.now, released);
        }
        world
    }

    pub(crate) fn groups(&self) -> Vec<Group> {
        groups(&self.guards.primary.plan)
    }

    pub(crate) fn held(&self, side: Side, group: &Group) -> Holding {
        group.holding(&self.guards[side].state)
    }

    fn looks(&self, side: Side) -> Vec<GroupLook> {
        let endpoint = |at: Side, route: &Name| {
            if self.regions[at].open.contains(route) {
                EndpointSeen::Open { setting: Setting::Weight(128) }
            } else {
                EndpointSeen::Closed {}
            }
        };
        let look = |group: Group| {
            let writes = |name: &Name| self.regions[side].writes.contains(name);
            let stands =
                |name: &Name| if writes(name) { DatabaseStands::Writes } else { DatabaseStands::Follows };
            GroupLook {
                databases: group.databases.iter().map(stands).collect(),
                routes: group.routes.iter().map(|route| Sides::from_fn(|at| endpoint(at, route))).collect(),
                group: group.name,
            }
        };
        self.groups().into_iter().map(look).collect()
    }

    /// A guard looks at its side, reads a word of the other one, decides, and says what it holds.
    pub(crate) fn tick(&mut self, side: Side, words_ago: Option<usize>) {
        self.now = self.now.checked_add(SignedDuration::from_secs(20)).expect("a time");
        let looks = self.looks(side);
        let said = &self.guards[side.other()].said;
        let word = words_ago.and_then(|ago| said.len().checked_sub(ago + 1)).map(|place| said[place].clone());
        let now = self.now;
        let guard = &mut self.guards[side];
        let pair = PairSeen {
            at: now,
            table_id: guard.table_id.clone(),
            heard: guard.heard.clone(),
            heard_at: guard.heard.as_ref().map(|_| now),
            word: word.clone(),
            looks: looks.clone(),
        };
        guard.settle(pair, now);
        if let Some(word) = word.filter(|word| word.counts(&guard.plan, guard.heard.as_ref()).is_ok()) {
            guard.heard = Some(word.heard_up_to);
        }
        self.say(side, &looks);
    }

    fn say(&mut self, side: Side, looks: &[GroupLook]) {
        let serves = looks.iter().filter_map(|look| Some((look.group.clone(), look.served(side)?))).collect();
        let guard = &mut self.guards[side];
        let mut word = Word::of(&guard.plan, &guard.state, &guard.table_id, &serves, self.now);
        word.heard.clone_from(&guard.heard);
        let text = serde_json::to_string(&word).expect("JSON");
        guard.said.push(Word::read(&text).expect("its own word"));
    }

    /// A guard begins to move all that it may, and gets as far as `ends` says.
    pub(crate) fn begin_run(&mut self, side: Side, ends: usize) {
        let (now, guard) = (self.now, &mut self.guards[side]);
        if guard.state.active_run().is_some() || guard.state.guard.is_none() {
            return;
        }
        let Ok(scope) = scope(&guard.plan, &guard.state, &[]) else { return };
        // A look of before the fence: what is here must follow, or the run would stop and ask.
        if scope.databases.iter().any(|database| self.regions[side].writes.contains(database)) {
            return;
        }
        let data_loss = scope.databases.iter().map(loss).collect();
        let cause = Cause::Operator { name: "ana".into(), reason: "r".into() };
        let overrides = Overrides::default();
        let opened = Event::RunOpened {
            kind: RunKind::Failover,
            scope,
            cause,
            first_signal_at: now,
            is_dated: false,
            overrides,
        };
        let run = guard.state.next_seq();
        guard.write(Some(run), now, opened);
        let committed =
            Event::Committed { data_loss, by: Some("ana".into()), overrides, alive_at: None, anew: None };
        guard.write(Some(run), now, committed);
        self.advance(side, ends);
    }

    /// A guard finishes the run that it began; where that has stopped, a person lets it go on.
    pub(crate) fn go_on(&mut self, side: Side) {
        let (now, guard) = (self.now, &mut self.guards[side]);
        let stopped = guard.state.active_run().filter(|run| matches!(run.phase, Phase::NeedsOperator { .. }));
        if let Some(id) = stopped.map(|run| run.id) {
            let overrides = Overrides::default();
            let resumed =
                Event::Resumed { by: "ana".into(), overrides, data_loss: Vec::new(), alive_at: None };
            guard.write(Some(id), now, resumed);
        }
        self.advance(side, usize::MAX);
    }

    fn advance(&mut self, side: Side, ends: usize) {
        let Some(run) = self.guards[side].state.active_run().filter(|run| run.phase == Phase::Moving) else {
            return;
        };
        let (id, scope) = (run.id, run.scope.clone());
        self.carry_out(side, id, Step::Scale, &scope.fleets, true);
        self.carry_out(side, id, Step::Fence, &scope.routes, true);
        self.carry_out(side, id, Step::Promote, &scope.databases, ends > 0);
        if ends <= 1 {
            return;
        }
        self.carry_out(side, id, Step::Open, &scope.routes, true);
        self.carry_out(side, id, Step::Verify, &scope.routes, true);
        let now = self.now;
        let report = Box::new(RunReport {
            first_signal_at: now,
            committed_at: now,
            opened_at: now,
            verified_at: now,
            rto_ms: 0,
            decision_ms: 0,
            moving_ms: 0,
            promote_ms: 0,
            scale_ms: 0,
            rpo_estimate_ms: None,
            loss_at_most_ms: None,
            alive_at: None,
            detect_ms: None,
            total_ms: None,
            data_loss: Vec::new(),
        });
        self.guards[side].write(Some(id), now, Event::Completed { report });
    }

    /// A worker intends a step for those of some items that it is not done for, and does it.
    fn carry_out(&mut self, side: Side, run: u64, step: Step, items: &[Name], is_done: bool) {
        let (now, guard) = (self.now, &mut self.guards[side]);
        let done = |name: &Name| guard.state.run.as_ref().is_some_and(|run| run.is_done(step, name));
        let subjects: Vec<Name> = items.iter().filter(|name| !done(name)).cloned().collect();
        if subjects.is_empty() {
            return;
        }
        let taken = guard.state.run.as_ref().filter(|_| step.spec().takes_items);
        let term = taken.map(|run| guard.state.holdings.term_to_take(run.scope.items(), side));
        // Over at once, so that another worker may take them.
        let event =
            Event::StepIntended { step, subjects: subjects.clone(), until: now, before: Vec::new(), term };
        let intent = guard.write(Some(run), now, event);
        if !is_done {
            return;
        }
        let done = |subject: &Name| SubjectDone {
            subject: subject.clone(),
            detail: "d".into(),
            changed: true,
            took_ms: 0,
        };
        let event = Event::StepDone { step, subjects: subjects.iter().map(done).collect(), intent };
        guard.write(Some(run), now, event);
        match step {
            Step::Fence => self.regions[side.other()].open.retain(|route| !subjects.contains(route)),
            Step::Promote => self.regions[side].writes.extend(subjects),
            Step::Open => self.regions[side].open.extend(subjects),
            _ => {}
        }
    }

    /// A guard has cut off the old primaries that it owes.
    pub(crate) fn quarantine(&mut self, side: Side) {
        let (now, guard) = (self.now, &mut self.guards[side]);
        let owed: Vec<(Name, u64)> = guard
            .state
            .cleanups(Step::Quarantine)
            .filter(|(_, cleanup)| !cleanup.is_done())
            .map(|(name, cleanup)| (name.clone(), cleanup.run))
            .collect();
        for (subject, run) in owed {
            let (step, subjects) = (Step::Quarantine, vec![subject.clone()]);
            let intended = Event::StepIntended { step, subjects, until: now, before: Vec::new(), term: None };
            let intent = guard.write(Some(run), now, intended);
            let done = SubjectDone { subject, detail: "d".into(), changed: true, took_ms: 0 };
            guard.write(Some(run), now, Event::StepDone { step, subjects: vec![done], intent });
        }
    }

    /// What the other side serves, by the highest term, is followed here from now on.
    pub(crate) fn rebuild(&mut self, side: Side) {
        for group in self.groups() {
            let (own, other) = (self.held(side, &group), self.held(side.other(), &group));
            let is_served_there = other.ownership == Ownership::Active && other.term >= own.term;
            if is_served_there && own.ownership == Ownership::Unprotected {
                self.regions[side].writes.retain(|database| !group.databases.contains(database));
                self.regions[side].open.retain(|route| !group.routes.contains(route));
            }
        }
    }

    /// What must hold at any moment.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        for group in self.groups() {
            let held = Side::BOTH.map(|side| self.held(side, &group));
            // One that never began, with an empty journal, stands by for nothing.
            let has_begun = |side: Side| self.guards[side].state.last_seq > 0;
            let all_stand_by = held.iter().all(|held| held.ownership == Ownership::Standby);
            if all_stand_by && Side::BOTH.into_iter().all(has_begun) {
                return Err(format!("both stand by for {}", group.name));
            }
            for (side, held) in Side::BOTH.into_iter().zip(held) {
                let owns = matches!(held.ownership, Ownership::Active | Ownership::Taking);
                let owner = self.owners.get(&(group.name.clone(), held.term)).copied();
                match owner {
                    Some(owner) if owns && owner != side => {
                        return Err(format!("{} has two owners by term {}", group.name, held.term));
                    }
                    None if owns => drop(self.owners.insert((group.name.clone(), held.term), side)),
                    // Who was alone stood by for what nobody had said a word of.
                    None if held.ownership == Ownership::Standby && held.term > 0 => {
                        return Err(format!("{} is stood by for by a term that nobody owned", group.name));
                    }
                    Some(owner) if held.ownership == Ownership::Standby && owner == side => {
                        return Err(format!("{} is stood by for against oneself", group.name));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

fn loss(database: &Name) -> DataLoss {
    DataLoss {
        database: database.clone(),
        lag_ms: Some(1_000),
        sampled_at: None,
        unsampled_ms: None,
        replayed_until: None,
        within_limit: true,
    }
}
