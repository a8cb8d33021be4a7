//! The catalogue against the documentation's table of parameters: every action and every parameter is there,
//! mandatory where it has to be, and with the documented default.

use cloud_sim::catalog::{self, Parameter, Presence};

const TABLE: &str = include_str!("data/documented-parameters.md");

/// Defaults that the documentation gives to changes. A change leaves alone what it does not name.
fn is_change(action: &str) -> bool {
    action.starts_with("Set") || action.starts_with("Modify")
}

struct Row {
    action: String,
    parameter: String,
    required: String,
    range: String,
    default: String,
}

fn rows() -> Vec<Row> {
    let lines = TABLE
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| action"));
    lines
        .map(|line| {
            let cells: Vec<String> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
            Row {
                action: cells[1].clone(),
                parameter: cells[2].clone(),
                required: cells[3].clone(),
                range: cells[5].clone(),
                default: cells[6].clone(),
            }
        })
        .collect()
}

fn find(row: &Row) -> Option<Parameter> {
    let action = catalog::find(&row.action)?;
    action
        .parameters
        .iter()
        .find(|parameter| parameter.name == row.parameter)
        .copied()
}

#[test]
fn every_documented_parameter_is_there() {
    let missing: Vec<String> = rows()
        .iter()
        .filter(|row| find(row).is_none())
        .map(|row| format!("{}.{}", row.action, row.parameter))
        .collect();
    assert!(rows().len() > 400, "the table was read");
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn what_is_mandatory_is_mandatory_here() {
    let differing: Vec<String> = rows()
        .iter()
        .filter(|row| (row.required == "yes") != find(row).is_some_and(|p| p.presence == Presence::Required))
        .map(|row| format!("{}.{}: documented as {}", row.action, row.parameter, row.required))
        .collect();
    assert_eq!(differing, Vec::<String>::new());
}

#[test]
fn conditions_are_those_of_the_documentation() {
    for row in rows()
        .iter()
        .filter(|row| row.required.starts_with("when ") && row.required.contains('='))
    {
        let wanted: Vec<(&str, &str)> = row
            .required
            .trim_start_matches("when ")
            .split(" and ")
            .filter_map(|part| part.split_once('='))
            .collect();
        let presence = find(row).unwrap().presence;
        let Presence::When(conditions) = presence else {
            panic!(
                "{}.{}: {presence:?}, documented {}",
                row.action, row.parameter, row.required
            )
        };
        assert_eq!(conditions, wanted, "{}.{}", row.action, row.parameter);
    }
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let differing: Vec<String> = rows()
        .iter()
        .filter(|row| !is_change(&row.action))
        .filter_map(|row| {
            // `2 (response sample / sim)`: the value comes first; words say how it is found instead.
            let documented = row.default.split(" (").next().unwrap_or_default();
            let is_value = !documented.is_empty() && !documented.contains(' ') && documented != "none:";
            let found = find(row)?.default.unwrap_or_default();
            let differs = is_value && documented != found;
            differs.then(|| {
                format!(
                    "{}.{}: {found:?}, documented {documented:?}",
                    row.action, row.parameter
                )
            })
        })
        .collect();
    // Paging is the handler's there, because PageSize counts only beside PageNumber.
    assert_eq!(
        differing,
        ["DescribeLoadBalancers.PageNumber: \"\", documented \"1\""]
    );
}

#[test]
fn ranges_of_numbers_are_those_of_the_documentation() {
    use cloud_sim::catalog::Kind;
    let mut compared = 0;
    for row in rows() {
        let Some(Parameter {
            kind: Kind::Integer { min, max },
            ..
        }) = find(&row)
        else {
            continue;
        };
        let text = row.range.replace(" to ", "..");
        let bounds = text.split_once("..").and_then(|(low, high)| {
            let digits: String = high.chars().take_while(char::is_ascii_digit).collect();
            Some((low.parse::<i64>().ok()?, digits.parse::<i64>().ok()?))
        });
        if let Some(bounds) = bounds {
            assert_eq!((min, max), bounds, "{}.{}", row.action, row.parameter);
            compared += 1;
        }
    }
    assert!(compared > 80, "only {compared} ranges were compared");
}
