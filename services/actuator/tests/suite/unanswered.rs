//! Questions that the cloud does not answer leave the others as they are.

use clb_tls::PeerIdentity;
use clb_wire::actuator::{Facts, Subject, facts_from_proto};
use cloud_sim::{Fault, FaultKind};

use crate::lab::Lab;

async fn ask(lab: &Lab) -> Facts {
    facts_from_proto(lab.inspect_as(Some(&PeerIdentity::Planner)).await.unwrap())
}

#[tokio::test]
async fn a_missing_permission_hides_no_other_answer() {
    let lab = Lab::start().await;
    let all = ask(&lab).await;
    assert!(all.unanswered.is_empty(), "{all:?}");
    let denied = || {
        Fault::next(FaultKind::Error {
            status: 403,
            code: "Forbidden.RAM".to_owned(),
            message: "User not authorized to operate on the specified resource.".to_owned(),
        })
    };
    let cases = [
        (denied().of("DescribeServerCertificates"), Subject::Certificates),
        (
            denied().of("DescribeAccessControlLists"),
            Subject::AccessControlLists,
        ),
        (
            denied().of("DescribeVSwitches").on("vsw-k"),
            Subject::VSwitch("vsw-k".to_owned()),
        ),
        (denied().of("DescribeAvailableResource"), Subject::ZonePairs),
    ];
    for (fault, subject) in cases {
        lab.sim.cloud().order_fault(fault.always());
        let answer = ask(&lab).await;
        lab.sim.cloud().clear_faults();
        let subjects: Vec<&Subject> = answer.unanswered.keys().collect();
        assert_eq!(subjects, [&subject]);
        assert!(
            answer.unanswered[&subject].contains("Forbidden.RAM"),
            "{answer:?}"
        );
        let mut others = all.clone();
        match subject {
            Subject::Certificates => others.certificates.clear(),
            Subject::AccessControlLists => others.acls.clear(),
            Subject::VSwitch(id) => drop(others.vswitches.remove(&id)),
            Subject::ZonePairs => others.zone_pairs.clear(),
            Subject::StaticAddresses => others.held_addresses.clear(),
        }
        assert_eq!(
            Facts {
                unanswered: Default::default(),
                ..answer
            },
            others
        );
    }
}
