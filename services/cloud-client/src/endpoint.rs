//! Where each product's API is.

use reqwest::Url;

use crate::action::Product;

/// From where the endpoints are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// `slb.<region>.aliyuncs.com`.
    #[default]
    Public,
    /// `slb-vpc.<region>.aliyuncs.com`, reachable inside a VPC.
    Vpc,
}

/// An endpoint that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {product} endpoint {value:?} is not usable: {allowed}")]
pub struct EndpointError {
    /// Whose it is.
    pub product: Product,
    /// The text.
    pub value: String,
    /// What is allowed.
    pub allowed: &'static str,
}

/// The endpoints of one region.
#[derive(Debug, Clone)]
pub struct Endpoints {
    slb: Url,
    ecs: Url,
    vpc: Url,
}

/// Regions whose public endpoint bears no region.
const CENTRAL: &str = "cn-hangzhou";

impl Endpoints {
    /// The endpoints of a region; those of `overrides` in place of the usual ones. An override is a URL, or a host with or
    /// without a port as CCM takes it, which then means https.
    ///
    /// # Errors
    /// An override or the region's name makes no URL.
    pub fn new(
        region: &str,
        network: Network,
        overrides: impl Fn(Product) -> Option<String>,
    ) -> Result<Self, EndpointError> {
        let of = |product| match overrides(product).filter(|text| !text.is_empty()) {
            Some(text) => overridden(product, &text),
            None => parse(product, &usual(product, region, network)),
        };
        Ok(Self {
            slb: of(Product::Slb)?,
            ecs: of(Product::Ecs)?,
            vpc: of(Product::Vpc)?,
        })
    }

    /// The endpoint of a product.
    #[must_use]
    pub fn of(&self, product: Product) -> &Url {
        match product {
            Product::Slb => &self.slb,
            Product::Ecs => &self.ecs,
            Product::Vpc => &self.vpc,
        }
    }

    /// Whether all of them are on this machine: a proxy of the environment is then not meant for them.
    pub(crate) fn all_local(&self) -> bool {
        [&self.slb, &self.ecs, &self.vpc]
            .iter()
            .all(|url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]")))
    }
}

fn usual(product: Product, region: &str, network: Network) -> String {
    match network {
        Network::Public if product == Product::Slb && region == CENTRAL => {
            "https://slb.aliyuncs.com".to_owned()
        }
        Network::Public => format!("https://{product}.{region}.aliyuncs.com"),
        Network::Vpc => format!("https://{product}-vpc.{region}.aliyuncs.com"),
    }
}

fn overridden(product: Product, text: &str) -> Result<Url, EndpointError> {
    if text.contains("://") {
        parse(product, text)
    } else {
        parse(product, &format!("https://{text}"))
    }
}

fn parse(product: Product, text: &str) -> Result<Url, EndpointError> {
    let invalid = |allowed| EndpointError {
        product,
        value: text.to_owned(),
        allowed,
    };
    let url = Url::parse(text).map_err(|_| invalid("a host or an http(s) URL"))?;
    let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return Err(invalid(
            "a host or an http(s) URL without a path, a query or a user",
        ));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(network: Network, region: &str, slb: Option<&str>) -> Result<Endpoints, EndpointError> {
        Endpoints::new(region, network, |product| {
            (product == Product::Slb)
                .then(|| slb.map(str::to_owned))
                .flatten()
        })
    }

    #[test]
    fn usual_endpoints_bear_the_region() {
        let public = endpoints(Network::Public, "cn-shanghai", None).unwrap();
        assert_eq!(
            public.of(Product::Slb).as_str(),
            "https://slb.cn-shanghai.aliyuncs.com/"
        );
        let inside = endpoints(Network::Vpc, "cn-shanghai", None).unwrap();
        assert_eq!(
            inside.of(Product::Ecs).as_str(),
            "https://ecs-vpc.cn-shanghai.aliyuncs.com/"
        );
        let central = endpoints(Network::Public, "cn-hangzhou", None).unwrap();
        assert_eq!(central.of(Product::Slb).as_str(), "https://slb.aliyuncs.com/");
    }

    #[test]
    fn only_an_override_may_be_plain_http() {
        let url = |text| {
            endpoints(Network::Public, "cn-shanghai", Some(text)).map(|e| e.of(Product::Slb).to_string())
        };
        assert_eq!(url("http://127.0.0.1:8099").unwrap(), "http://127.0.0.1:8099/");
        assert_eq!(
            url("slb-vpc.example.com").unwrap(),
            "https://slb-vpc.example.com/"
        );
        assert!(url("ftp://example.com").is_err());
        assert!(url("https://user:word@example.com").is_err());
        assert!(url("https://example.com/?a=b").is_err());
    }
}
