//! The attributes of FetchXML's elements, and the elements that are not supported.
//!
//! Source: Microsoft Learn, "FetchXml reference", with the schema of FetchXML for the older ones.

use roxmltree::{Attribute, Node as Element};

use crate::scenario::diagnostic::Checked;
use crate::scenario::lower::fetch::{Reader, tag};

/// What the attributes of an element are.
pub(super) struct Attributes {
    /// Those that are understood.
    known: &'static [&'static str],
    /// Those that advise the platform or its clients, and change no answer.
    idle: &'static [&'static str],
    /// Those that are not supported, with the reason.
    refused: &'static [(&'static str, &'static str)],
}

pub(super) static FETCH: Attributes = Attributes {
    known: &[
        "top",
        "count",
        "page",
        "paging-cookie",
        "returntotalrecordcount",
        "distinct",
        "aggregate",
        "aggregatelimit",
        "no-lock",
    ],
    idle: &["latematerialize", "options", "version", "mapping", "output-format"],
    refused: &[
        ("datasource", "there is no long term retention here"),
        ("utc-offset", "dates are in UTC here"),
        ("min-active-row-version", "a flow's cursor reads what has changed"),
        ("useraworderby", "a choice is ordered by its label here"),
    ],
};

pub(super) static ENTITY: Attributes = Attributes { known: &["name"], idle: &[], refused: &[] };

pub(super) static ALL_ATTRIBUTES: Attributes = Attributes { known: &[], idle: &[], refused: &[] };

pub(super) static ATTRIBUTE: Attributes = Attributes {
    known: &["name", "alias", "aggregate", "groupby", "distinct", "dategrouping"],
    idle: &["usertimezone"],
    refused: &[("rowaggregate", "tables have no hierarchies here")],
};

pub(super) static ORDER: Attributes = Attributes {
    known: &["attribute", "alias", "descending", "entityname"],
    idle: &[],
    refused: &[],
};

pub(super) static FILTER: Attributes = Attributes {
    known: &["type"],
    idle: &["hint"],
    refused: &[
        ("isquickfindfields", "there is no quick find here"),
        ("overridequickfindrecordlimitenabled", "there is no quick find here"),
        ("overridequickfindrecordlimitdisabled", "there is no quick find here"),
    ],
};

pub(super) static CONDITION: Attributes = Attributes {
    known: &["attribute", "operator", "value", "valueof", "entityname"],
    idle: &["uiname", "uitype", "uihidden"],
    refused: &[
        ("column", "`attribute` names the column"),
        ("aggregate", "a condition on what is computed is not supported"),
        ("alias", "a condition on what is computed is not supported"),
    ],
};

pub(super) static VALUE: Attributes =
    Attributes { known: &[], idle: &["uiname", "uitype"], refused: &[] };

pub(super) static LINK: Attributes = Attributes {
    known: &["name", "from", "to", "alias", "link-type"],
    idle: &["intersect", "visible", "enableprefiltering", "prefilterparametername"],
    refused: &[],
};

/// The elements that are not supported, with the reason.
pub(super) const REFUSED_ELEMENTS: &[(&str, &str)] = &[
    ("having", "a condition on what is computed is not supported"),
    ("groupby", "`<attribute groupby='true'>` groups"),
];

impl Reader<'_, '_, '_> {
    /// Checks the attributes of an element: each has a meaning there.
    pub(super) fn check_attributes(
        &mut self,
        element: Element<'_, '_>,
        attributes: &Attributes,
    ) -> Checked<()> {
        let mut checked = Ok(());
        for attribute in element.attributes() {
            let name = attribute.name();
            if attributes.known.contains(&name) || attributes.idle.contains(&name) {
                continue;
            }
            let refused = attributes.refused.iter().find(|(refused, _)| *refused == name);
            checked = Err(match refused {
                Some((_, why)) => {
                    let message = format!("`{name}` is not supported");
                    self.wrong(attribute.range_qname(), "not supported", &message, why, None)
                }
                None => {
                    let span = self.place.span(attribute.range_qname());
                    let owner = element.tag_name().name();
                    let known = attributes.known.iter().copied();
                    self.lowering.diagnostics.unknown_of(span, owner, "attribute", name, known)
                }
            });
        }
        checked
    }

    /// Checks the elements inside an element: each has a meaning there.
    pub(super) fn check_children(
        &mut self,
        element: Element<'_, '_>,
        known: &[&str],
    ) -> Checked<()> {
        let mut checked = Ok(());
        for child in element.children().filter(Element::is_element) {
            if !known.contains(&child.tag_name().name()) {
                checked = Err(self.unexpected(child, known));
            }
        }
        checked
    }

    /// The attribute of this name.
    pub(super) fn required<'a, 'i>(
        &mut self,
        element: Element<'a, 'i>,
        name: &str,
    ) -> Checked<Attribute<'a, 'i>> {
        match element.attribute_node(name) {
            Some(attribute) => Ok(attribute),
            None => {
                let message = format!("`{name}` is missing");
                let label = format!("without it this `{}` says nothing", element.tag_name().name());
                Err(self.wrong(tag(element), "missing key", &message, &label, None))
            }
        }
    }

    /// Whether an attribute says yes; without it, it does not.
    pub(super) fn flag(&mut self, element: Element<'_, '_>, name: &str) -> Checked<bool> {
        let Some(attribute) = element.attribute_node(name) else {
            return Ok(false);
        };
        match attribute.value() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => {
                let label = format!("`{other}` is neither");
                let message = format!("`{name}` is true or false");
                Err(self.wrong(attribute.range_value(), "wrong value", &message, &label, None))
            }
        }
    }

    /// A count that is known before the run, from 1.
    pub(super) fn count(
        &mut self,
        element: Element<'_, '_>,
        name: &str,
        most: u64,
    ) -> Checked<Option<u64>> {
        let Some(attribute) = element.attribute_node(name) else {
            return Ok(None);
        };
        match attribute.value().parse::<u64>() {
            Ok(count) if (1..=most).contains(&count) => Ok(Some(count)),
            _ => {
                let message = format!("`{name}` is a number from 1 to {most}");
                let label = format!("`{}` is none", attribute.value());
                Err(self.wrong(attribute.range_value(), "wrong value", &message, &label, None))
            }
        }
    }
}
