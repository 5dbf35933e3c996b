//! Sending: a request to the upstreams, one after the other if need be, until one of them answers.

use std::time::Duration;

use http::HeaderMap;
use http::Method;
use http::Response;
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::origin::proxy::Shared;
use crate::origin::proxy::backend::Member;
use crate::origin::proxy::failure::Failure;
use crate::origin::proxy::request_body::Upload;

/// A request as it goes to whichever upstream.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) upload: Upload,
    /// Somebody waits to see what is asked for, and nothing is lost if it comes a moment later.
    pub(crate) can_wait: bool,
}

/// Which upstreams may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    Any,
    Only(usize),
}

impl Outgoing {
    /// Sends it. Where no upstream can be connected to, who can wait is held for a moment: a server that is replaced is
    /// away for as long as the new one takes to start.
    ///
    /// Gives the number of the upstream that answered along with what it said.
    pub(crate) async fn send(
        &self,
        shared: &Shared,
        choice: Choice,
    ) -> Result<(usize, Response<Incoming>), Failure> {
        let end = Instant::now() + shared.settings.upstream_wait;
        let mut pause = FIRST_PAUSE;
        let mut waiting = None;
        loop {
            let failure = match self.send_once(shared, choice).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let is_late = Instant::now() + pause > end;
            if failure != Failure::Absent || !self.can_wait || is_late {
                return Err(failure);
            }
            if waiting.is_none() {
                waiting = shared.held.take();
            }
            if waiting.is_none() {
                return Err(failure);
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks the upstreams in turn, until one answers, or one fails in a way that forbids to ask another.
    async fn send_once(
        &self,
        shared: &Shared,
        choice: Choice,
    ) -> Result<(usize, Response<Incoming>), Failure> {
        let mut last = Failure::Absent;
        let mut stale = MOST_STALE;
        let order = shared.order(choice);
        let mut is_alone = order.len() == 1;
        for number in order {
            let member = &shared.members[number];
            loop {
                let failure = match self.ask(shared, member).await {
                    Ok(response) => {
                        shared.answered(member);
                        return Ok((number, response));
                    }
                    Err(failure) => failure,
                };
                last = failure;
                if !self.may_send_again(failure) {
                    return Err(failure);
                }
                match failure {
                    Failure::Stale if stale > 0 => stale -= 1,
                    // It may be a server that has just started again. What ends servers must not end them all.
                    Failure::NoAnswer if is_alone => is_alone = false,
                    _ => break,
                }
            }
        }
        Err(last)
    }

    /// Whether it may be sent again after this (RFC 9110, section 9.2.2).
    fn may_send_again(&self, failure: Failure) -> bool {
        self.upload.is_untouched()
            && (failure.was_not_sent() || (failure.has_no_byte() && self.method.is_idempotent()))
    }
}

impl Shared {
    /// The upstreams in the order in which to ask them: in turn, those that are well before the others.
    fn order(&self, choice: Choice) -> Vec<usize> {
        let count = self.members.len();
        let mut order: Vec<usize> = match choice {
            Choice::Only(number) => vec![number],
            Choice::Any if count == 1 => vec![0],
            Choice::Any => {
                let first = self.next();
                (0..count).map(|n| (first + n) % count).collect()
            }
        };
        if order.len() > 1 {
            order.sort_by_key(|number| !self.members[*number].health.is_up());
        }
        order
    }

    fn answered(&self, member: &Member) {
        if member.health.answered() {
            tracing::info!(upstream = %member.upstream, "the upstream answers again");
            self.hint();
        }
    }
}

// A pool may have several connections that an upstream closed when it stopped.
pub(crate) const MOST_STALE: usize = 3;

// A process that restarts is back in less than that, a container hardly in a hundred times as much.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

const LONGEST_PAUSE: Duration = Duration::from_millis(500);
