use super::super::super::value::Field;
use super::super::super::value::tests::field;
use super::*;

fn module() -> Vec<Field> {
    let mut email = field("Email", FieldType::Text);
    email.data_type = "email".to_owned();
    let mut second = field("Secondary_Email", FieldType::Text);
    second.data_type = "email".to_owned();
    let mut files = field("Files", FieldType::Opaque);
    files.data_type = "fileupload".to_owned();
    let others = ["First_Name", "Last_Name", "Company", "Name"];
    let others = others.map(|name| field(name, FieldType::Text));
    let mut fields = vec![email, second, files, field("Rating", FieldType::Number)];
    fields.extend(others);
    fields
}

fn without(names: &[&str]) -> Vec<Field> {
    let mut fields = module();
    fields.retain(|field| !names.contains(&field.api_name.as_str()));
    fields
}

fn bound(fields: &[Field], rules: &[(&str, &str)]) -> Result<Mapping, Vec<MappingProblem>> {
    let labels = [
        "Contact Email",
        "First Name",
        "Last Name",
        "Company Name",
        "Phone",
    ];
    let labels = labels.map(|label| LabelLimit {
        label: label.to_owned(),
        max_length: None,
    });
    let rules = rules.iter().map(|(label, path)| {
        let path = (!path.is_empty()).then(|| path.parse().unwrap());
        ((*label).to_owned(), path)
    });
    let rules = MappingRules {
        rules: rules.collect(),
    };
    let schema = Schema::new("Leads".parse().unwrap(), fields.to_vec());
    Mapping::bind(&rules, &schema, &labels)
}

fn shown(mapping: &Mapping) -> Vec<String> {
    let email = [format!("Contact Email={}", mapping.email())];
    let labels = mapping
        .labels()
        .map(|(label, path)| format!("{label}={path}"));
    email.into_iter().chain(labels).collect()
}

#[test]
fn address_and_names_are_mapped_unless_the_rules_say_otherwise() {
    let names = ["First Name=First_Name", "Last Name=Last_Name"];
    for (fields, rules, email, others) in [
        (module(), vec![], "Email", names.to_vec()),
        (
            module(),
            vec![("contact email", "Secondary_Email")],
            "Secondary_Email",
            names.to_vec(),
        ),
        (
            module(),
            vec![("First Name", ""), ("last name", "")],
            "Email",
            vec![],
        ),
        (
            module(),
            vec![("FIRST NAME", "Company")],
            "Email",
            vec!["First Name=Company", names[1]],
        ),
        (
            module(),
            vec![("phone", "Rating"), ("Company Name", "Rating")],
            "Email",
            vec!["Company Name=Rating", names[0], names[1], "Phone=Rating"],
        ),
        (
            module(),
            vec![("Company Name", "")],
            "Email",
            names.to_vec(),
        ),
        (
            without(&["Email"]),
            vec![],
            "Secondary_Email",
            names.to_vec(),
        ),
        (without(&["First_Name"]), vec![], "Email", vec![names[1]]),
        (without(&["Last_Name"]), vec![], "Email", vec![names[0]]),
        (
            without(&["First_Name", "Last_Name"]),
            vec![],
            "Email",
            vec!["Last Name=Name"],
        ),
        (
            without(&["First_Name", "Last_Name", "Name"]),
            vec![],
            "Email",
            vec![],
        ),
    ] {
        let mapping = bound(&fields, &rules).unwrap();
        let want = [
            vec![format!("Contact Email={email}")],
            others.iter().map(ToString::to_string).collect(),
        ];
        assert_eq!(shown(&mapping), want.concat(), "{rules:?}");
        assert_eq!(mapping.only_address(), others.is_empty(), "{rules:?}");
    }
}

#[test]
fn a_problem_names_label_part_and_remedy() {
    let (label, crm) = (MappingPart::Label, MappingPart::Field);
    let under_map = "\"Contact Email\" = \"…\" under [map]";
    for (fields, rule, part, message, help) in [
        (
            module(),
            ("Company Nam", "Company"),
            label,
            "Campaigns has no contact field `Company Nam`",
            "did you mean `Company Name`?",
        ),
        (
            module(),
            ("Shoe Size", ""),
            label,
            "Campaigns has no contact field `Shoe Size`",
            "its fields are `Contact Email`, `First Name`, `Last Name`, `Company Name`, `Phone`",
        ),
        (
            module(),
            ("Phone", "Compny"),
            crm,
            "unknown field `Compny` of module Leads",
            "did you mean `Company`?",
        ),
        (
            module(),
            ("Phone", "Files"),
            crm,
            "field `Files` is of type `fileupload`, which cannot be mapped",
            "",
        ),
        (
            module(),
            ("Phone", "Account_Name.Phone"),
            crm,
            "module Leads has no lookup `Account_Name`",
            "",
        ),
        (
            module(),
            ("Contact Email", ""),
            crm,
            "the address cannot be left out",
            "name the field that holds it, or remove the line",
        ),
        (
            module(),
            ("Contact Email", "Rating"),
            crm,
            "`Rating` is a number field, not text",
            "did you mean `Email`?",
        ),
        (
            module(),
            ("Contact Email", "Mail"),
            crm,
            "unknown field `Mail` of module Leads",
            "did you mean `Email`?",
        ),
    ] {
        let problems = bound(&fields, &[rule]).unwrap_err();
        let help = (!help.is_empty()).then(|| help.to_owned());
        let label = rule.0.to_owned();
        let want = MappingProblem {
            label,
            part,
            message: message.to_owned(),
            help,
        };
        assert_eq!(problems, [want]);
    }
    let mut none = without(&["Email", "Secondary_Email"]);
    let problems = bound(&none, &[]).unwrap_err();
    assert_eq!(problems[0].message, "module Leads has no e-mail field");
    none.extend(["Work", "Home"].map(|name| Field {
        data_type: "email".to_owned(),
        ..field(name, FieldType::Text)
    }));
    let problems = bound(&none, &[]).unwrap_err();
    assert_eq!(
        problems[0].message,
        "module Leads has several e-mail fields: `Work`, `Home`"
    );
    assert_eq!(
        problems[0].help,
        Some(format!("name one of them: {under_map}"))
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let rules = [
        ("Phone", "Compny"),
        ("phone", "Company"),
        ("Fax", "Nothing"),
        ("Contact Email", ""),
    ];
    let problems = bound(&module(), &rules).unwrap_err();
    let found: Vec<_> = problems
        .iter()
        .map(|one| (one.label.as_str(), one.part))
        .collect();
    assert_eq!(
        found,
        [
            ("phone", MappingPart::Label),
            ("Contact Email", MappingPart::Field),
            ("Fax", MappingPart::Field),
            ("Fax", MappingPart::Label),
            ("Phone", MappingPart::Field),
        ]
    );
}

#[test]
fn a_name_that_campaigns_lacks_can_be_taken_out() {
    let label = |label: &str| LabelLimit {
        label: label.to_owned(),
        max_length: None,
    };
    let labels = [label("E-Mail"), label("Nachname")];
    let schema = Schema::new("Leads".parse().unwrap(), module());
    let rules = MappingRules::default();
    let problems = Mapping::bind(&rules, &schema, &labels).unwrap_err();
    assert_eq!(
        problems[0].help.as_deref(),
        Some("\"First Name\" = \"\" under [map] takes it out")
    );
    let rules = [FIRST_NAME, LAST_NAME]
        .map(|name| (name.to_owned(), None))
        .to_vec();
    let rules = MappingRules { rules };
    assert!(Mapping::bind(&rules, &schema, &labels).is_ok());
}
