//! Races: what happens when two parties, or two messages, are faster than one another. Every one
//! is a test of its own in virtual time.
//!
//! | race | test |
//! |---|---|
//! | 1 a 200 crosses the CANCEL: acknowledged, then ended | `cancel::a_200_crosses_the_cancel` |
//! | 2 CANCEL before any provisional response | `cancel::before_a_provisional_response_the_cancel_waits` |
//! | 3 CANCEL of an INVITE that nobody hears | `cancel::a_cancel_that_waits_for_an_invite_nobody_hears_is_never_sent` |
//! | 4 a final response overtakes a waiting CANCEL | `cancel::a_final_response_makes_a_waiting_cancel_needless` |
//! | 5 CANCEL and 487 lost | `cancel::lost_cancels_and_487s_are_sent_again` |
//! | 6 CANCEL answered, the INVITE never | `cancel::a_cancelled_invite_that_nobody_ends_fails_after_64_t1` |
//! | 7 the user answers a call that was just cancelled | `cancel::the_user_is_too_late_to_answer_a_cancelled_call` |
//! | 8 CANCEL of a re-INVITE leaves the call | `cancel::a_cancelled_re_invite_leaves_the_call_up` |
//! | 9 CANCEL into a full table | `cancel::a_cancel_finds_room_in_a_full_table` |
//! | 10 BYE before ACK | `hang_up::bye_overtakes_the_ack` |
//! | 11 crossed BYEs | `hang_up::byes_cross` |
//! | 12 a BYE that comes when all is over | `hang_up::a_bye_that_comes_when_all_is_over_gets_481` |
//! | 13 the callee's BYE before the ACK has come | `hang_up::the_callees_bye_waits_for_the_ack` |
//! | 14 the same, and the ACK never comes | `hang_up::the_callees_bye_goes_out_when_no_ack_comes` |
//! | 15 the peer's BYE while ours waits | `hang_up::the_peer_hangs_up_while_our_bye_waits` |
//! | 16 BYE before the user has acknowledged | `hang_up::a_caller_who_hangs_up_at_once_acknowledges_first` |
//! | 17 BYE ends a re-INVITE that is open | `hang_up::a_bye_ends_the_invite_that_is_still_open` |
//! | 18 requests behind our BYE | `hang_up::nothing_but_bye_is_welcome_after_our_bye` |
//! | 19 BYE against a re-INVITE of the other side | `offer::a_re_invite_crosses_a_bye` |
//! | 20 2xx for 32 s without ACK | `answer::a_2xx_is_sent_for_32_s_without_ack_on_any_transport` |
//! | 21 the ACK lost, the 2xx repeated | `answer::every_repeated_2xx_gets_the_same_ack` |
//! | 22 the 2xx repeated before the user acknowledges | `answer::a_2xx_repeated_before_the_user_acknowledges_is_told_once` |
//! | 23 a late 180 after the 200 | `answer::a_late_180_after_the_200_is_not_told` |
//! | 24 forked 200s, each acknowledged, the losers ended | `answer::forked_200s_are_each_acknowledged_and_the_losers_ended` |
//! | 25 a 2xx after the BYE of its early dialog | `answer::a_2xx_that_comes_after_the_bye_is_acknowledged_and_makes_no_second_call` |
//! | 26 re-INVITEs cross | `re_invite::re_invites_cross` |
//! | 27 a second re-INVITE before the answer to the first | `re_invite::a_second_invite_before_the_answer_to_the_first_gets_500_and_retry_after` |
//! | 28 a re-INVITE before the ACK of the last | `re_invite::an_invite_before_the_ack_of_the_last_is_told_to_wait` |
//! | 29 requests out of order | `re_invite::a_request_out_of_order_gets_500` |
//! | 30 the route set after a re-INVITE | `re_invite::the_route_set_survives_a_re_invite` |
//! | 31 the Contact changed in mid-dialog | `re_invite::the_contact_changes_in_mid_dialog` |
//! | 32 UPDATE against re-INVITE | `offer::an_update_crosses_a_re_invite` |
//! | 33 UPDATE against BYE | `offer::an_update_crosses_a_bye` |
//! | 34 PRACK lost | `offer::a_prack_is_lost` |
//! | 35 PRACK against CANCEL | `offer::a_prack_crosses_the_487` |
//! | 36 the 2xx that a PRACK has released against BYE of the caller | `offer::the_caller_hangs_up_an_early_dialog_as_it_is_answered` |
//! | 37 a session refresh against BYE | `offer::a_refresh_crosses_a_bye` |
//! | 38 REFER while held | `transfer::a_refer_while_held` |
//! | 39 Replaces of a dialog that has just ended | `transfer::replaces_of_a_dialog_that_has_just_ended` |
//! | 40 Replaces against the BYE of the replaced | `transfer::the_replaced_call_ends_while_its_successor_is_answered` |
//! | 41 NOTIFY before the 202 of its REFER | `transfer::a_notify_overtakes_the_202` |
//! | 42 NOTIFY against the BYE of its call | `transfer::a_report_crosses_the_bye` |
//! | 43 SUBSCRIBE, 0 against the notifier's last NOTIFY | `transfer::an_unsubscription_crosses_the_end` |
//! | 44 401, then 407 | `challenge::a_401_then_a_407` |
//! | 45 a stale nonce | `challenge::a_stale_nonce` |
//! | 46 CANCEL against the 401 | `challenge::a_cancel_crosses_the_401` |
//! | 47 redirect to self | `challenge::a_redirect_to_self` |
//! | 48 a redirect against CANCEL | `challenge::a_redirect_crosses_the_cancel` |

#[path = "../common/mod.rs"]
mod common;

mod answer;
mod cancel;
mod challenge;
mod hang_up;
mod offer;
mod re_invite;
mod transfer;

/// The table above names tests that exist.
#[test]
fn every_race_of_the_table_has_its_test() {
    let sources = [
        ("answer", include_str!("answer.rs")),
        ("cancel", include_str!("cancel.rs")),
        ("challenge", include_str!("challenge.rs")),
        ("hang_up", include_str!("hang_up.rs")),
        ("offer", include_str!("offer.rs")),
        ("re_invite", include_str!("re_invite.rs")),
        ("transfer", include_str!("transfer.rs")),
    ];
    let mut races = 0;
    for line in include_str!("main.rs").lines() {
        let Some(row) = line.strip_prefix("//! | ").filter(|row| row.contains("::")) else {
            continue;
        };
        let name = row.split('`').nth(1).unwrap();
        let (file, test) = name.split_once("::").unwrap();
        let (_, source) = sources.iter().find(|(known, _)| *known == file).unwrap();
        assert!(source.contains(&format!("#[test]\nfn {test}()")), "{name}");
        races += 1;
    }
    assert_eq!(races, 48);
}
