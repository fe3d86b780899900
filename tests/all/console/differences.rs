//! Where both differ on purpose.

/// Why, and the expressions.
pub const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "There is no infinity and no zero below zero: what would be one is refused, or is zero.",
        &[
            r#"jsondecode("-0")"#,
            r#"yamldecode(".inf")"#,
            r#"log(0, 10)"#,
            r#"log(10, 0)"#,
            r#"log(10, 1)"#,
            r#"pow(0, -1)"#,
            r#"tonumber("Inf")"#,
            r#"tonumber("-0")"#,
            r#"tostring(-0)"#,
            r#"1 / 0"#,
            r#"-1 / 0"#,
            r#"1 % 0"#,
            r#"0 % 0"#,
            r#"false && (1 / 0 == 1)"#,
            r#"true || (1 / 0 == 1)"#,
            r#"true && (1 / 0 == 1)"#,
            r#"false ? 1 : 1 / 0"#,
        ],
    ),
    (
        "A whole power is exact; Terraform computes it with a double.",
        &[r#"pow(2, 64)"#, r#"pow(2, 100)"#, r#"pow(3, 40)"#, r#"pow(10, 400)"#],
    ),
    ("Powers of two behind a `p` are no way to write a number.", &[r#"tonumber("1p3")"#]),
    ("A literal larger than any double is not read.", &[r#"1e1000 == 1e1000"#]),
    ("Half of a pair of UTF-16 is no text.", &[r#"jsondecode("\"\\ud800\"")"#]),
    ("Another packer: the same text when it is unpacked.", &[r#"length(base64gzip("hello"))"#]),
    ("Terraform takes the address for one of four bytes.", &[r#"cidrhost("::ffff:10.0.0.0/104", 1)"#]),
    (
        "No subnet has that number, or that size; Terraform's result lies outside of the prefix.",
        &[
            r#"cidrsubnet("10.1.2.0/24", 4, -1)"#,
            r#"cidrsubnet("10.0.0.0/8", -1, 0)"#,
            r#"cidrsubnet("2001:db8::/32", 96, 340282366920938463463374607431)"#,
        ],
    ),
    ("RFC 3339 has four digits for a year.", &[r#"timeadd("9999-12-31T23:59:59Z", "1s")"#]),
    ("Known only in a plan, which the console has not.", &[r#"plantimestamp()"#]),
    (
        "What can't be right in any case is told before anything is evaluated.",
        &[r#"true ? 1 : upper(1, 2)"#, r#"{a = 1, a = 2}"#, r#"try(upper(1, 2), 1)"#, r#"can(nosuch("x"))"#],
    ),
    (
        "Terraform loses the error, since its null has no type.",
        &[r#"format("%s", null)"#, r#"format("%d", null)"#, r#"format("%v", null)"#, r#"format("%#v", null)"#, r#"formatlist("%s", null)"#],
    ),
    ("A name stands for one group.", &[r#"regex("(?P<a>x)(?P<a>y)", "xy")"#]),
    ("A type is no value.", &[r#"type(type(1))"#]),
    (
        "Terraform knows more of a result that is not known: that it is no null, or how many elements there will be.",
        &[r#"upper(local.later) == null"#, r#"sort([upper(local.later), "a"])"#],
    ),
    (
        "A set with something unknown in it is unknown as a whole: it could equal another element.",
        &[r#"toset([local.later, "a"])"#, r#"toset([local.later])"#, r#"setunion([upper(local.later)], ["a"])"#],
    ),
    ("More is known of the type.", &[r#"tolist([1, 2])[local.later]"#, r#"format("%s", local.later)"#, r#"formatlist("%s", local.later)"#]),
];
