//! What a commit promises.

use std::collections::BTreeSet;
use std::sync::Arc;

use lineclear_core::Timestamp;
use lineclear_core::record::Stream;
use lineclear_store::{Batch, Guard, Store, StoreError};

use crate::world::{append, approval, batch, change, conflict, happened, incident, once, row, run};

pub async fn a_batch_reads_back_exactly_as_it_was_given(store: Arc<dyn Store>) {
    let streams = [Stream::Installation, approval(1), change(1), incident(1), run(1)];
    let mut index = 0..;
    for (number, stream) in (0_u128..).zip(streams) {
        let committed = store.append(batch([append(stream, 0, [number * 10, number * 10 + 1])])).await.unwrap();
        assert_eq!(store.append(batch([append(stream, 2, [number * 10 + 2])])).await.unwrap().events[0].seq, 2);
        let read = store.events(stream, 0).await.unwrap();
        assert_eq!(read[..2], committed.events);
        for (seq, event) in (0..3).zip(&read) {
            assert_eq!(event.happened, happened(stream, number * 10 + u128::from(seq)));
            assert_eq!((event.stream, event.seq, event.index), (stream, seq, index.next().unwrap()));
        }
        assert_eq!((read.len(), store.events(stream, 1).await.unwrap()), (3, read[1..].to_vec()));
        assert_eq!(store.row(stream).await.unwrap(), Some(row(stream, "open")));
    }
    assert_eq!(store.head().await.unwrap().size, 15);
}

pub async fn an_unknown_stream_has_no_events_and_no_row(store: Arc<dyn Store>) {
    assert_eq!(store.events(incident(1), 0).await, Ok(vec![]));
    assert_eq!(store.row(incident(1)).await, Ok(None));
    assert_eq!(store.once("nobody".into()).await, Ok(None));
    assert_eq!(store.postpone(incident(1), None).await, Ok(()));
    assert_eq!(store.payload("AAAA".into()).await, Ok(None));
    assert_eq!(store.entries(0, 10).await, Ok(vec![]));
    store.append(batch([append(incident(1), 0, [1])])).await.unwrap();
    assert_eq!(store.events(incident(1), 1).await, Ok(vec![]));
    assert_eq!(store.events(incident(1), u64::MAX).await, Ok(vec![]));
}

pub async fn a_conflict_leaves_nothing(store: Arc<dyn Store>) {
    store.append(batch([append(incident(1), 0, [1])])).await.unwrap();
    let head = store.head().await.unwrap();
    let late = Batch { once: Some(once("late", "x", incident(1))), ..batch([append(incident(1), 0, [2])]) };
    assert_eq!(store.append(late).await, Err(conflict(incident(1), 0, 1)));
    assert_eq!(store.append(batch([append(incident(1), 2, [2])])).await, Err(conflict(incident(1), 2, 1)));
    assert_eq!(store.head().await.unwrap(), head);
    assert_eq!(store.events(incident(1), 0).await.unwrap().len(), 1);
    assert_eq!(store.once("late".into()).await, Ok(None));
    // The id was not used up either.
    assert_eq!(store.append(batch([append(incident(1), 1, [2])])).await.unwrap().events[0].index, 1);
}

pub async fn a_guard_that_moved_leaves_nothing(store: Arc<dyn Store>) {
    store.append(batch([append(Stream::Installation, 0, [1])])).await.unwrap();
    let guarded = |expect: u64, number: u64| Batch {
        guards: vec![Guard { stream: Stream::Installation, expect }],
        ..batch([append(incident(1), number - 2, [u128::from(number)])])
    };
    assert_eq!(store.append(guarded(0, 2)).await, Err(conflict(Stream::Installation, 0, 1)));
    assert_eq!(store.head().await.unwrap().size, 1);
    store.append(guarded(1, 2)).await.unwrap();
    store.append(batch([append(Stream::Installation, 1, [9])])).await.unwrap();
    assert_eq!(store.append(guarded(1, 3)).await, Err(conflict(Stream::Installation, 1, 2)));
    // A guard looks at what was there before the batch, even when the batch moves it.
    let both = Batch { guards: guarded(2, 3).guards, ..batch([append(Stream::Installation, 2, [10]), append(incident(1), 1, [3])]) };
    assert_eq!(store.append(both).await.unwrap().head.size, 5);
}

pub async fn several_appends_are_committed_together_or_not_at_all(store: Arc<dyn Store>) {
    store.append(batch([append(change(1), 0, [1])])).await.unwrap();
    let half = batch([append(approval(1), 0, [2]), append(run(1), 0, [3]), append(change(1), 0, [4])]);
    assert_eq!(store.append(half).await, Err(conflict(change(1), 0, 1)));
    for stream in [approval(1), run(1)] {
        assert_eq!((store.events(stream, 0).await, store.row(stream).await), (Ok(vec![]), Ok(None)));
    }
    let whole = batch([append(approval(1), 0, [2]), append(run(1), 0, [3]), append(change(1), 1, [4])]);
    let places = store.append(whole).await.unwrap().events.iter().map(|event| (event.stream, event.seq, event.index)).collect::<Vec<_>>();
    assert_eq!(places, [(approval(1), 0, 1), (run(1), 0, 2), (change(1), 1, 3)]);
}

pub async fn a_command_repeated_is_carried_out_once(store: Arc<dyn Store>) {
    let command = |asked, number| Batch { once: Some(once("agent 1", asked, change(1))), ..batch([append(change(1), 0, [number])]) };
    store.append(command("restart", 1)).await.unwrap();
    // Also with another event id, since whoever repeats draws new ones; and before the conflict is noticed.
    assert_eq!(store.append(command("restart", 2)).await, Err(StoreError::Repeated { stream: change(1) }));
    assert_eq!(store.append(command("reboot", 3)).await, Err(StoreError::KeyReused));
    assert_eq!(store.once("agent 1".into()).await, Ok(Some(once("agent 1", "restart", change(1)))));
    assert_eq!(store.head().await.unwrap().size, 1);
}

pub async fn a_malformed_batch_is_refused(store: Arc<dyn Store>) {
    let one = || append(incident(1), 0, [1]);
    let guard = Guard { stream: incident(2), expect: 0 };
    let foreign_row = {
        let mut append = one();
        append.row = row(incident(2), "open");
        append
    };
    let foreign_event = {
        let mut append = one();
        append.events = vec![happened(change(1), 1)];
        append
    };
    let cases = [
        (batch([]), "it appends nothing"),
        (Batch { guards: vec![guard.clone()], ..batch([]) }, "it appends nothing"),
        (batch((0..129).map(|number| append(incident(number), 0, [number]))), "more than 128 appends"),
        (Batch { guards: vec![guard; 9], ..batch([one()]) }, "more than 8 guards"),
        (batch([one(), append(incident(1), 1, [2])]), "two appends to one stream"),
        (batch([append(incident(1), 0, [])]), "an append without events"),
        (batch([append(incident(1), 0, 0..65)]), "more than 64 events in one append"),
        (batch([foreign_row]), "the row of another stream"),
        (batch([foreign_event]), "an event of another kind of machine than its stream"),
        (Batch { once: Some(once("", "x", incident(1))), ..batch([one()]) }, "an empty idempotency key"),
        (Batch { once: Some(once(&"x".repeat(201), "x", incident(1))), ..batch([one()]) }, "an idempotency key of more than 200 bytes"),
    ];
    for (batch, expected) in cases {
        assert_eq!(store.append(batch).await, Err(StoreError::Malformed(expected)));
    }
    assert_eq!(store.head().await.unwrap().size, 0);
}

pub async fn an_event_that_fits_no_entry_is_refused(store: Arc<dyn Store>) {
    // A moment after the year 9999 has no spelling in the ledger.
    let mut late = batch([append(incident(1), 0, [1]), append(incident(2), 0, [2])]);
    late.appends[1].events[0].at = Timestamp::from_micros(i64::MAX);
    let refused = store.append(late).await.unwrap_err().to_string();
    assert!(refused.starts_with("an event fits no ledger entry: `event_00000000000000000000000000000002`"), "{refused}");
    let mut huge = batch([append(incident(1), 0, [1])]);
    let lineclear_core::record::Event::Incident(lineclear_core::incident::Event::Closed { reason, .. }) =
        &mut huge.appends[0].events[0].event
    else {
        panic!("an incident closes")
    };
    *reason = "x".repeat(1 << 20);
    assert!(store.append(huge).await.unwrap_err().to_string().ends_with("at most 1048576 are kept"));
    assert_eq!((store.head().await.unwrap().size, store.events(incident(1), 0).await), (0, Ok(vec![])));
}

pub async fn an_id_or_a_salt_cannot_be_used_twice(store: Arc<dyn Store>) {
    store.append(batch([append(approval(1), 0, [1])])).await.unwrap();
    let taken = StoreError::Entry("the id `event_00000000000000000000000000000001` was used before".into());
    assert_eq!(store.append(batch([append(approval(2), 0, [1])])).await, Err(taken.clone()));
    assert_eq!(store.append(batch([append(approval(2), 0, [3, 3])])).await.map(|_| ()), Err(StoreError::Entry(taken_text(3))));
    let mut salted = batch([append(approval(2), 0, [2])]);
    salted.appends[0].events[0].salt = happened(approval(1), 1).salt;
    let reused = "the salt of `event_00000000000000000000000000000002` was used before for the same payload";
    assert_eq!(store.append(salted).await, Err(StoreError::Entry(reused.into())));
    assert_eq!(store.head().await.unwrap().size, 1);
}

fn taken_text(number: u128) -> String {
    format!("the id `event_{number:032x}` was used before")
}

pub async fn writers_at_the_same_time_leave_no_gap(store: Arc<dyn Store>) {
    const WRITERS: u128 = 64;
    const EACH: u64 = 8;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut indexes = Vec::new();
                for seq in 0..EACH {
                    let number = writer * 100 + u128::from(seq);
                    let committed = store.append(batch([append(incident(writer), seq, [number])])).await.unwrap();
                    assert!(committed.head.size > committed.events[0].index);
                    indexes.push(committed.events[0].index);
                }
                indexes
            })
        })
        .collect();
    let mut indexes = BTreeSet::new();
    for writer in writers {
        for index in writer.await.unwrap() {
            assert!(indexes.insert(index), "{index} was given twice");
        }
    }
    assert_eq!(indexes, (0..u64::try_from(WRITERS).unwrap() * EACH).collect());
    for writer in 0..WRITERS {
        let events = store.events(incident(writer), 0).await.unwrap();
        assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (0..EACH).collect::<Vec<_>>());
    }
}

pub async fn one_stream_is_won_by_one_of_many_writers(store: Arc<dyn Store>) {
    let writers: Vec<_> = (0..32)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append(batch([append(change(1), 0, [number])])).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for writer in writers {
        won += u32::from(writer.await.unwrap());
    }
    assert_eq!((won, store.head().await.unwrap().size), (1, 1));
}

pub async fn a_dropped_future_does_not_take_its_commit_back(store: Arc<dyn Store>) {
    let mut append_it = store.append(batch([append(incident(1), 0, [1])]));
    // Polled once, so that it has begun; then whoever asked goes away.
    let _ = std::future::poll_fn(|context| std::task::Poll::Ready(append_it.as_mut().poll(context))).await;
    drop(append_it);
    // The epoch waits behind it in the same queue.
    store.take_epoch().await.unwrap();
    assert_eq!(store.events(incident(1), 0).await.unwrap().len(), 1);
}

pub async fn epochs_only_grow(store: Arc<dyn Store>) {
    let mut last = 0;
    for _ in 0..5 {
        let epoch = store.take_epoch().await.unwrap();
        assert!(epoch > last);
        last = epoch;
    }
}

pub async fn time_in_the_log_never_falls(store: Arc<dyn Store>) {
    let late = store.append(batch([append(incident(1), 0, [9])])).await.unwrap().events[0].happened.at;
    let early = store.append(batch([append(incident(2), 0, [3])])).await.unwrap();
    assert!(happened(incident(2), 3).at < late);
    assert_eq!(early.events[0].happened.at, late, "what was decided earlier and committed later counts as committed then");
    assert_eq!(store.events(incident(2), 0).await.unwrap(), early.events);
    let later = store.append(batch([append(incident(3), 0, [12])])).await.unwrap();
    assert_eq!(later.events[0].happened.at, happened(incident(3), 12).at);
}
