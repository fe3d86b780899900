//! What a plan in a file tells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// All spellings of a secret: as it is, in JSON, and in base64 wherever in a text it may stand.
fn spellings(secret: &str) -> Vec<String> {
    let json = serde_json::Value::from(secret).to_string();
    let mut all = vec![secret.to_owned(), json[1..json.len() - 1].to_owned()];
    for before in ["", "x", "xy"] {
        let code = STANDARD.encode(format!("{before}{secret}"));
        // The first group holds something of what stands before, the last something of what comes behind.
        all.push(code[4..code.len() - 4].to_owned());
    }
    all
}

/// The spellings of those secrets that stand in the plan, or in a file that it carries.
pub fn told(plan: &str, secrets: &[&str]) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(plan).unwrap();
    let files = json["body"]["files"].as_object().unwrap().values();
    let mut texts: Vec<String> = files.map(|f| String::from_utf8(STANDARD.decode(f.as_str().unwrap()).unwrap()).unwrap()).collect();
    texts.push(plan.to_owned());
    let spellings = secrets.iter().flat_map(|secret| spellings(secret));
    spellings.filter(|spelling| texts.iter().any(|text| text.contains(spelling.as_str()))).collect()
}
