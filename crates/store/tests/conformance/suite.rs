//! Every promise of the trait, asked of every store.

use std::sync::Arc;

use lineclear_store::{Sqlite, Store};

use crate::{append, lists, proofs, world};

macro_rules! promises {
    ($($part:ident :: $name:ident,)+) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $name() {
                    let store: super::Arc<dyn super::Store> = super::Arc::new(super::world::memory());
                    super::$part::$name(store).await;
                }
            )+
        }

        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    let folder = tempfile::tempdir().unwrap();
                    let store: super::Arc<dyn super::Store> = super::Arc::new(super::Sqlite::open(&folder.path().join("db"), super::world::key()).unwrap());
                    super::$part::$name(store).await;
                }
            )+
        }
    };
}

promises! {
    append::a_batch_reads_back_exactly_as_it_was_given,
    append::an_unknown_stream_has_no_events_and_no_row,
    append::a_conflict_leaves_nothing,
    append::a_guard_that_moved_leaves_nothing,
    append::several_appends_are_committed_together_or_not_at_all,
    append::a_command_repeated_is_carried_out_once,
    append::a_malformed_batch_is_refused,
    append::an_event_that_fits_no_entry_is_refused,
    append::an_id_or_a_salt_cannot_be_used_twice,
    append::writers_at_the_same_time_leave_no_gap,
    append::time_in_the_log_never_falls,
    append::one_stream_is_won_by_one_of_many_writers,
    append::a_dropped_future_does_not_take_its_commit_back,
    append::epochs_only_grow,
    lists::rows_come_newest_first_and_page_without_gap_or_repetition,
    lists::every_filter_keeps_what_it_says,
    lists::a_row_is_what_its_last_append_said,
    lists::what_is_due_comes_earliest_first,
    lists::words_are_counted_by_kind,
    lists::a_query_out_of_bounds_is_refused,
    proofs::every_entry_is_proven_in_every_tree,
    proofs::every_tree_continues_every_smaller_one,
    proofs::entries_are_the_leaves_and_chain_each_stream,
    proofs::payloads_open_their_commitments,
    proofs::the_head_of_an_empty_log_is_signed,
    proofs::nothing_is_proven_beyond_the_end,
}
