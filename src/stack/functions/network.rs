//! CIDR arithmetic.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Args, Function, Gives, Got, Outcome, bad, f, texts};
use crate::words::Value;

pub(super) const ALL: &[Function] = &[
    f("cidrhost", &["prefix: string", "number: number"], Gives::Text, |a| {
        let (net, n) = (prefix(a, 0)?, big(a, 1)?);
        let bits = u32::from(net.max_prefix_len() - net.prefix_len());
        // From the end, if below zero. All 128 bits are one more than the largest number.
        let last = 1_u128.checked_shl(bits).map_or(u128::MAX, |size| size - 1);
        let at = match n {
            Signed::Plus(n) => Some(n).filter(|n| *n <= last),
            Signed::Minus(n) => last.checked_sub(n - 1),
        };
        match at {
            Some(at) => Ok(address(&net, base(&net) + at).to_string().into()),
            None => bad(format!("a prefix of {} bits has no such host", net.prefix_len())),
        }
    }),
    f("cidrnetmask", &["prefix: string"], Gives::Text, |a| match prefix(a, 0)? {
        IpNet::V4(net) => Ok(net.netmask().to_string().into()),
        IpNet::V6(_) => a.bad(0, "only IPv4 has netmasks of this form"),
    }),
    f("cidrsubnet", &["prefix: string", "newbits: number", "number: number"], Gives::Text, |a| {
        let net = prefix(a, 0)?;
        let bits = a.int(1)?;
        let Some(len) = u8::try_from(bits).ok().and_then(|b| net.prefix_len().checked_add(b)).filter(|l| *l <= net.max_prefix_len()) else {
            return a.bad(1, format!("a prefix of {} bits can't be extended by {bits}", net.prefix_len()));
        };
        let last = u32::try_from(bits).ok().and_then(|bits| 1_u128.checked_shl(bits)).map_or(u128::MAX, |count| count - 1);
        let Signed::Plus(n @ 0..) = big(a, 2)? else { return a.bad(2, "a subnet's number can't be negative") };
        if n > last {
            return a.bad(2, format!("{bits} bits can't number a subnet {n}"));
        }
        Ok(subnet(&net, len, n).into())
    }),
    f("cidrsubnets", &["prefix: string", "newbits: number..."], Gives::Texts, subnets),
];

/// A whole number of up to 128 bits.
enum Signed {
    Plus(u128),
    /// One or more below zero.
    Minus(u128),
}

fn big(a: &Args<'_>, index: usize) -> Got<Signed> {
    let n = a.number(index)?;
    let Some(size) = n.digits(10).and_then(|digits| digits.parse().ok()) else {
        return a.bad(index, "a whole number of at most 128 bits is required");
    };
    Ok(if n.is_negative() { Signed::Minus(size) } else { Signed::Plus(size) })
}

fn prefix(a: &Args<'_>, index: usize) -> Got<IpNet> {
    let text = a.text(index)?;
    let net: IpNet = text.parse().or_else(|_| a.bad(index, format!("`{text}` is no CIDR block such as 10.0.0.0/16")))?;
    Ok(net.trunc())
}

fn base(net: &IpNet) -> u128 {
    match net.network() {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn address(net: &IpNet, bits: u128) -> IpAddr {
    match net {
        IpNet::V4(_) => IpAddr::V4(u32::try_from(bits).unwrap_or(u32::MAX).into()),
        IpNet::V6(_) => IpAddr::V6(bits.into()),
    }
}

/// Subnet `n` of those of that length.
fn subnet(net: &IpNet, len: u8, n: u128) -> String {
    let free = u32::from(net.max_prefix_len() - len);
    let start = base(net) + n.checked_shl(free).unwrap_or(0);
    format!("{}/{len}", address(net, start))
}

fn subnets(a: &Args<'_>) -> Outcome {
    let net = prefix(a, 0)?;
    let mut free = base(&net);
    let end = u128::from(net.max_prefix_len() - net.prefix_len());
    let last = if end == 128 { u128::MAX } else { free + ((1 << end) - 1) };
    let mut made = vec![];
    let mut full = false;
    for i in 1..a.len() {
        let bits = a.int(i)?;
        let Some(len) = u8::try_from(bits)
            .ok()
            .filter(|b| (1..=32).contains(b))
            .and_then(|b| net.prefix_len().checked_add(b))
            .filter(|l| *l <= net.max_prefix_len())
        else {
            return a
                .bad(i, format!("a prefix of {} bits can't be extended by {bits}: 1 to 32, as far as there are bits", net.prefix_len()));
        };
        let size: u128 = 1 << u32::from(net.max_prefix_len() - len);
        // The next address that is a multiple of the size.
        let start = free.div_ceil(size).saturating_mul(size);
        if full || start > last || last - start < size - 1 {
            return a.bad(i, format!("there is no room left in {net} for a subnet of {len} bits"));
        }
        made.push(Value::from(format!("{}/{len}", address(&net, start))));
        full = start.checked_add(size).is_none();
        free = start.saturating_add(size);
    }
    if made.is_empty() { Ok(texts::<&str>([])) } else { Ok(Value::list(made)) }
}
