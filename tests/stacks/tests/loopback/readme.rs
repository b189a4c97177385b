//! The README shows the recipes' own code.

const README: &str = include_str!("../../../../README.md");

#[test]
fn the_readme_shows_the_code_that_runs_here() {
    for (name, recipe) in [
        ("reqwest_async", include_str!("../../src/reqwest_async.rs")),
        ("reqwest_blocking", include_str!("../../src/reqwest_blocking.rs")),
        ("ureq", include_str!("../../src/ureq.rs")),
        ("hyper", include_str!("../../src/hyper.rs")),
    ] {
        let start =
            recipe.find("pub async fn send").or_else(|| recipe.find("pub fn send")).unwrap();
        let send = &recipe[start..];
        let send = &send[..send.find("\n}\n").unwrap() + 3];
        assert!(README.contains(send), "README.md shows another `send` than {name}.rs:\n{send}");
    }
}
