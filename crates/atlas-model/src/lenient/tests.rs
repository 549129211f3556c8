use super::*;
use crate::payload::Payload;

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Tree {
    name: Option<String>,
    size: Option<i64>,
    on: Option<bool>,
    inner: Option<Box<Tree>>,
    list: Option<Vec<Tree>>,
    names: Option<Vec<String>>,
}

fn read(text: &str) -> Result<(Tree, Vec<String>), Unfit> {
    let mut value = None;
    let mut decode = |text: &[u8]| {
        value = Some(serde_json::from_slice::<Tree>(text)?);
        Ok(())
    };
    let deviations = match decode(text.as_bytes()) {
        Ok(()) => Vec::new(),
        Err(error) => mend(text.as_bytes(), error, &mut decode)?,
    };
    let deviations = deviations.iter().map(Deviation::to_string).collect();
    Ok((value.unwrap_or_default(), deviations))
}

#[test]
fn only_the_node_of_a_wrong_type_is_left_out() {
    let odd = [
        ("5", "a number"),
        ("-0.5e3", "a number"),
        ("true", "a boolean"),
        ("{}", "an object"),
        (" { \"a\" : [1, {}] } ", "an object"),
        ("[]", "a list"),
        ("[\n1]", "a list"),
    ];
    for (value, found) in odd {
        for space in ["", " ", "\n"] {
            let text = format!(
                "{{\"size\":{space}1,{space}\"inner\":{{\"name\":{space}{value}{space},\
                 \"on\":true}},\"names\":[\"a\",{space}{value},\"b\"]{space},\"list\":\
                 [{{\"on\":true}},{{\"inner\":{{\"list\":[{{\"name\":{value}}}]}}}}]}}"
            );
            let (tree, deviations) = read(&text).unwrap();
            assert_eq!(tree.size, Some(1), "{text}");
            assert_eq!(tree.inner.as_ref().and_then(|inner| inner.on), Some(true));
            assert_eq!(tree.names.as_deref(), Some(&["a".into(), "b".into()][..]));
            assert_eq!(tree.list.as_ref().map(Vec::len), Some(2));
            let expected = [
                format!("inner.name: {found}, expected a string"),
                format!("names[1]: {found}, expected a string"),
                format!("list[1].inner.list[0].name: {found}, expected a string"),
            ];
            assert_eq!(deviations, expected, "{text}");
        }
    }
}

#[test]
fn strings_are_reported_where_another_type_is_expected() {
    let (tree, deviations) = read(r#"{"size":"x","on":"secret","inner":"y","name":"z"}"#).unwrap();
    assert_eq!(tree.name.as_deref(), Some("z"));
    assert_eq!(
        deviations,
        [
            "size: a string, expected an integer",
            "on: a string, expected a boolean",
            "inner: a string, expected an object"
        ]
    );
}

#[test]
fn the_second_value_of_a_repeated_key_is_left_out() {
    let (tree, deviations) = read(r#"{"size":1,"on":true,"size":2,"name":"a"}"#).unwrap();
    assert_eq!((tree.size, tree.on), (Some(1), Some(true)));
    assert_eq!(tree.name.as_deref(), Some("a"));
    assert_eq!(deviations, ["size: duplicate field `size`"]);
}

#[test]
fn text_that_is_not_json_or_of_a_wrong_type_as_a_whole_is_an_error() {
    for text in [
        "",
        "{",
        "[]",
        "5",
        "\"a\"",
        "{\"size\":1",
        "{\"size\":\"a\"",
        "{\"size\":\"a\",}",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn after_32_invalid_nodes_the_error_names_all_of_them() {
    let odd = |count: usize| {
        let items: Vec<String> = (0..count).map(|_| r#"{"size":"x"}"#.to_owned()).collect();
        format!(r#"{{"list":[{}]}}"#, items.join(","))
    };
    assert_eq!(read(&odd(32)).unwrap().1.len(), 32);
    let error = read(&odd(33)).unwrap_err().to_string();
    assert!(error.contains("list[0].size, "), "{error}");
    assert!(error.ends_with("list[32].size"), "{error}");
}

#[test]
fn a_number_that_is_an_integer_is_read_as_one() {
    let text = r#"{"size":5.0,"inner":{"size":-2e3},"list":[{"size":0.5},{"size":1e300}]}"#;
    let (tree, deviations) = read(text).unwrap();
    assert_eq!(tree.size, Some(5));
    assert_eq!(tree.inner.and_then(|inner| inner.size), Some(-2000));
    assert_eq!(
        deviations,
        [
            "list[0].size: a number, expected an integer",
            "list[1].size: a number, expected an integer"
        ]
    );
}

/// A union, read like the generated ones.
#[derive(Debug, PartialEq)]
enum Plant {
    Tree(Tree),
    Unknown(serde_json::Value),
}

impl<'de> Deserialize<'de> for Plant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = crate::tagged::Tagged::read(deserializer, "is")?;
        match object.tag() {
            "tree" => object.into_type().map(Self::Tree),
            _ => object.into_type().map(Self::Unknown),
        }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Garden {
    first: Option<Plant>,
    plants: Option<Vec<Plant>>,
    last: Option<Plant>,
}

#[test]
fn the_invalid_node_of_a_union_is_found_at_every_position_of_the_union() {
    let tree = |size: &str| format!("{{\"is\":\"tree\",\"size\":{size},\"on\":true}}");
    for space in ["", " ", "\n"] {
        for odd in 0..5 {
            let trees: Vec<String> = (0..5)
                .map(|number| tree(if number == odd { "\"large\"" } else { "1" }))
                .collect();
            let text = format!(
                "{{\"first\":{space}{}{space},{space}\"plants\":[{space}{}{space},{space}{}{space},\
                 {}{space}]{space},\"last\":{}{space}}}{space}",
                trees[0], trees[1], trees[2], trees[3], trees[4],
            );
            let place = ["first", "plants[0]", "plants[1]", "plants[2]", "last"][odd];
            let (garden, deviations) = Garden::read(&text.into()).unwrap();
            let expected = format!("{place}.size: a string, expected an integer");
            assert_eq!(deviations.len(), 1, "{deviations:?}");
            assert_eq!(deviations[0].to_string(), expected);
            assert_eq!(garden.plants.map(|plants| plants.len()), Some(3));
            assert!(garden.first.is_some() && garden.last.is_some());
        }
    }
    let (plant, deviations) = Plant::read(&tree("[]").into()).unwrap();
    assert_eq!(
        deviations[0].to_string(),
        "size: a list, expected an integer"
    );
    assert!(matches!(plant, Plant::Tree(Tree { on: Some(true), .. })));
}

#[test]
fn a_union_is_an_object_and_an_unknown_one_is_kept() {
    let text = r#"{"first": 5, "plants": ["a", {"is": "moss", "size": []}, [], {}]}"#;
    let (garden, deviations) = Garden::read(&text.as_bytes().into()).unwrap();
    let deviations: Vec<String> = deviations.iter().map(Deviation::to_string).collect();
    let expected = [
        "first: a number, expected an object",
        "plants[0]: a string, expected an object",
        "plants[2]: a list, expected an object",
    ];
    assert_eq!(deviations, expected);
    let plants = garden.plants.unwrap();
    let moss = serde_json::json!({"is": "moss", "size": []});
    assert_eq!(
        plants,
        [Plant::Unknown(moss), Plant::Unknown(serde_json::json!({}))]
    );
    assert!(Plant::read(&b"[]"[..].into()).is_err());
}

#[test]
fn a_path_is_that_of_the_original_text_after_earlier_removals() {
    let text = r#"{"names":["x",1,"y",2,"z",3],"list":[7,{"size":"a"},8,{"names":[1,"b",2]}]}"#;
    let (tree, deviations) = read(text).unwrap();
    assert_eq!(tree.names.unwrap(), ["x", "y", "z"]);
    let places: Vec<&str> = deviations
        .iter()
        .filter_map(|it| it.split(':').next())
        .collect();
    assert_eq!(
        places,
        [
            "names[1]",
            "names[3]",
            "names[5]",
            "list[0]",
            "list[1].size",
            "list[2]",
            "list[3].names[0]",
            "list[3].names[2]"
        ]
    );
}

#[test]
fn no_error_shows_a_value_or_a_long_key() {
    let key = "k".repeat(1_000_000);
    let texts = [
        "\"s3cret\"".to_owned(),
        format!("{{\"size\":\"s3cret\",\"{key}\":1,\"on\":}}"),
        format!(
            "{{\"list\":[{}]}}",
            vec!["{\"size\":\"s3cret\"}"; 40].join(",")
        ),
    ];
    for text in texts {
        let error = read(&text).unwrap_err().to_string();
        assert!(
            !error.contains("s3cret") && error.len() < 10_000,
            "{}",
            &error[..100]
        );
    }
    // The bytes of a text that is not UTF-8 are not shown either.
    let mut decode = |text: &[u8]| serde_json::from_slice::<Tree>(text).map(|_| ());
    let odd = b"{\"name\":\"s3cret\xff\"}";
    let error = decode(odd).unwrap_err();
    let error = mend(odd, error, &mut decode).unwrap_err().to_string();
    assert!(!error.contains("s3cret"), "{error}");
}

#[test]
fn a_large_text_is_not_parsed_repeatedly() {
    let filler = "x".repeat(8 << 20);
    let odd = vec!["{\"size\":\"a\"}"; 31].join(",");
    let text = format!("{{\"name\":\"{filler}\",\"list\":[{odd}]}}");
    let mut reads = 0;
    let mut decode = |text: &[u8]| {
        reads += 1;
        serde_json::from_slice::<Tree>(text).map(|_| ())
    };
    let error = decode(text.as_bytes()).unwrap_err();
    let error = mend(text.as_bytes(), error, &mut decode).unwrap_err();
    assert!(
        error.to_string().contains("too many fields do not fit"),
        "{error}"
    );
    assert!(reads < 12, "{reads}");
}
