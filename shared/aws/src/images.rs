//! What would a group launch? The version of its launch template, the image in it, and what its volumes are encrypted with,
//! in the function's own region.

use std::collections::BTreeSet;

use async_trait::async_trait;
use ports::inspection::TemplateInspection;
use ports::{Answer, FailureKind};
use protocol::readiness::facts::{TemplateFacts, TemplateRef};

use crate::compute::question;
use crate::config::Sdk;
use crate::failure::if_there;
use crate::signed::{Signed, unreadable};
use crate::xml::Element;

const VERSIONS: &str = "ec2:DescribeLaunchTemplateVersions";
const IMAGES: &str = "ec2:DescribeImages";
const SNAPSHOTS: &str = "ec2:DescribeSnapshots";
const DEFAULT_KEY: &str = "ec2:GetEbsDefaultKmsKeyId";

/// How EBS names the key of its own that every role may use.
const KEY_OF_EBS: &str = "alias/aws/ebs";

/// Launch templates of the function's own region.
pub struct Ec2Templates {
    signed: Signed,
}

/// A volume, as a template or an image names it.
#[derive(Debug, Default)]
struct Volume {
    device: String,
    key: Option<String>,
    snapshot: Option<String>,
    is_encrypted: bool,
}

impl Ec2Templates {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }

    /// A version of a template; nothing where the template or the version does not exist.
    async fn version(&self, template: &TemplateRef) -> Answer<Option<Element>> {
        let fields = [
            ("LaunchTemplateId", template.id.as_str()),
            ("LaunchTemplateVersion.1", template.version.as_str()),
        ];
        // An image that is named by a parameter is told as what the parameter says today.
        let resolved = [fields[0], fields[1], ("ResolveAlias", "true")];
        let answer = match self.signed.xml(&question(VERSIONS, &resolved)).await {
            // The parameter may be one that the role may not read: then the template itself is seen all the same.
            Err(failure) if failure.kind == FailureKind::Denied || failure.kind == FailureKind::Invalid => {
                self.signed.xml(&question(VERSIONS, &fields)).await
            }
            answer => answer,
        };
        let answer = if_there(answer)?;
        Ok(answer.as_ref().and_then(|answer| answer.at(&["launchTemplateVersionSet", "item"])).cloned())
    }

    /// An image; nothing where it does not exist, or is not shown to this account.
    async fn image(&self, image: &str) -> Answer<Option<Element>> {
        let answer = if_there(self.signed.xml(&question(IMAGES, &[("ImageId.1", image)])).await)?;
        Ok(answer.as_ref().and_then(|answer| answer.at(&["imagesSet", "item"])).cloned())
    }

    /// The key of a snapshot; nothing where it is not shown to this account.
    async fn snapshot_key(&self, snapshot: &str) -> Answer<Option<String>> {
        let answer = if_there(self.signed.xml(&question(SNAPSHOTS, &[("SnapshotId.1", snapshot)])).await)?;
        Ok(answer
            .as_ref()
            .and_then(|answer| answer.text(&["snapshotSet", "item", "kmsKeyId"]))
            .map(str::to_owned))
    }

    /// The key that EBS encrypts with where none is named, if it is somebody's own.
    async fn default_key(&self) -> Answer<Option<String>> {
        let question = question(DEFAULT_KEY, &[]);
        let answer = self.signed.xml(&question).await?;
        let key = answer.text(&["kmsKeyId"]).ok_or_else(|| unreadable(&question, "it has no kmsKeyId"))?;
        Ok((!key.ends_with(KEY_OF_EBS)).then(|| key.to_owned()))
    }

    /// Notes what the volumes of a template and of its image are encrypted with.
    async fn look_at_volumes(
        &self,
        version: &Element,
        image: &Element,
        facts: &mut TemplateFacts,
    ) -> Answer<()> {
        let of_template = volumes(version, &["launchTemplateData", "blockDeviceMappingSet"]);
        let of_image = volumes(image, &["blockDeviceMapping"]);
        // What the template says of a device, it says in place of the image; the image's data is read all the same.
        let replaced: BTreeSet<&str> = of_template.iter().map(|volume| volume.device.as_str()).collect();
        for volume in &of_image {
            match (&volume.snapshot, volume.is_encrypted) {
                (Some(snapshot), true) => match self.snapshot_key(snapshot).await? {
                    Some(key) => drop(facts.volume_keys.insert(key)),
                    None => facts.hidden_volumes += 1,
                },
                _ => facts.has_plain_volume |= !replaced.contains(volume.device.as_str()),
            }
        }
        // What the template has encrypted without naming a key takes EBS's default key, also where EBS encrypts nothing by itself.
        if of_template.iter().any(|volume| volume.is_encrypted && volume.key.is_none()) {
            facts.volume_keys.extend(self.default_key().await?);
        }
        for volume in of_template {
            facts.has_plain_volume |= volume.key.is_none();
            facts.volume_keys.extend(volume.key);
        }
        Ok(())
    }
}

/// The volumes of EBS at a place.
fn volumes(element: &Element, path: &[&str]) -> Vec<Volume> {
    let items = element.at(path).into_iter().flat_map(|set| set.all("item"));
    let text = |element: &Element, name: &str| element.text(&[name]).map(str::to_owned);
    let volume = |item: &Element| {
        let ebs = item.at(&["ebs"])?;
        Some(Volume {
            device: text(item, "deviceName").unwrap_or_default(),
            key: text(ebs, "kmsKeyId"),
            snapshot: text(ebs, "snapshotId"),
            is_encrypted: ebs.text(&["encrypted"]) == Some("true"),
        })
    };
    items.filter_map(volume).collect()
}

#[async_trait]
impl TemplateInspection for Ec2Templates {
    async fn template(&self, template: &TemplateRef) -> Answer<Option<TemplateFacts>> {
        let Some(version) = self.version(template).await? else { return Ok(None) };
        let text = |name: &str| version.text(&["launchTemplateData", name]).map(str::to_owned);
        let mut facts = TemplateFacts {
            image: text("imageId"),
            instance_type: text("instanceType"),
            ..TemplateFacts::default()
        };
        // One that is still named by its parameter is no image that could be asked for.
        let named = facts.image.clone().filter(|image| image.starts_with("ami-"));
        if let Some(image) = named
            && let Some(image) = self.image(&image).await?
        {
            facts.image_state = image.text(&["imageState"]).map(str::to_owned);
            self.look_at_volumes(&version, &image, &mut facts).await?;
        }
        Ok(Some(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{replay, sent};

    fn versions(data: &str) -> String {
        format!(
            "<DescribeLaunchTemplateVersionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
             <launchTemplateVersionSet><item><versionNumber>3</versionNumber>\
             <launchTemplateData>{data}</launchTemplateData></item></launchTemplateVersionSet>\
             </DescribeLaunchTemplateVersionsResponse>"
        )
    }

    fn error(code: &str) -> String {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
        )
    }

    async fn ask(answers: &[(u16, &str)]) -> (Answer<Option<TemplateFacts>>, Vec<String>) {
        let http = replay(answers);
        let templates = Ec2Templates::new(&Sdk::on(http.clone()));
        let template = TemplateRef { id: "lt-0abc".to_owned(), version: "$Latest".to_owned() };
        (templates.template(&template).await, sent(&http))
    }

    fn facts(image: Option<&str>, state: Option<&str>) -> TemplateFacts {
        TemplateFacts {
            image: image.map(str::to_owned),
            image_state: state.map(str::to_owned),
            ..TemplateFacts::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_image_of_the_version_that_the_group_takes_is_asked_for() {
        let whole = versions("<imageId>ami-1</imageId>");
        let image = "<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId>\
                     <imageState>available</imageState></item></imagesSet></DescribeImagesResponse>";
        let (seen, requests) = ask(&[(200, &whole), (200, image)]).await;
        assert_eq!(seen, Ok(Some(facts(Some("ami-1"), Some("available")))));
        for field in [
            "LaunchTemplateId=lt-0abc",
            "LaunchTemplateVersion.1=$Latest",
            "ResolveAlias=true",
            "Version=2016-11-15",
        ] {
            assert!(requests[0].contains(field), "{}", requests[0]);
        }
        assert!(requests[1].contains("Action=DescribeImages") && requests[1].contains("ImageId.1=ami-1"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_image_that_is_gone_has_no_state_and_a_template_that_is_gone_is_nothing() {
        let whole = versions("<imageId>ami-1</imageId>");
        let none = "<DescribeImagesResponse><imagesSet/></DescribeImagesResponse>";
        assert_eq!(ask(&[(200, &whole), (200, none)]).await.0, Ok(Some(facts(Some("ami-1"), None))));
        assert_eq!(
            ask(&[(200, &whole), (400, &error("InvalidAMIID.NotFound"))]).await.0,
            Ok(Some(facts(Some("ami-1"), None)))
        );
        assert_eq!(ask(&[(200, &versions(""))]).await.0, Ok(Some(facts(None, None))));
        for code in ["InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound"] {
            assert_eq!(ask(&[(400, &error(code))]).await.0, Ok(None), "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_not_be_seen_is_a_failure() {
        let refusal = error("UnauthorizedOperation");
        let failure = ask(&[(403, &refusal), (403, &refusal)]).await.0.unwrap_err();
        assert_eq!((failure.kind, failure.action), (ports::FailureKind::Denied, VERSIONS));
    }

    #[tokio::test(start_paused = true)]
    async fn an_image_of_a_parameter_that_may_not_be_read_is_told_by_the_parameter() {
        let refusal = error("UnauthorizedOperation");
        let whole =
            versions("<imageId>resolve:ssm:/golden/web</imageId><instanceType>m6i.large</instanceType>");
        let (seen, requests) = ask(&[(403, &refusal), (200, &whole)]).await;
        let expected = TemplateFacts {
            instance_type: Some("m6i.large".to_owned()),
            ..facts(Some("resolve:ssm:/golden/web"), None)
        };
        assert_eq!(seen, Ok(Some(expected)));
        assert!(
            requests[0].contains("ResolveAlias") && !requests[1].contains("ResolveAlias"),
            "{requests:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_keys_of_the_templates_volumes_and_of_the_images_snapshots_are_found() {
        let mapping = |device: &str, ebs: &str| {
            format!("<item><deviceName>{device}</deviceName><ebs>{ebs}</ebs></item>")
        };
        let whole = versions(&format!(
            "<imageId>ami-1</imageId><blockDeviceMappingSet>{}</blockDeviceMappingSet>",
            mapping("/dev/sdb", "<encrypted>true</encrypted><kmsKeyId>arn:own</kmsKeyId>")
        ));
        let image = format!(
            "<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId><imageState>available</imageState>\
             <blockDeviceMapping>{}{}{}</blockDeviceMapping></item></imagesSet></DescribeImagesResponse>",
            mapping("/dev/xvda", "<snapshotId>snap-1</snapshotId><encrypted>true</encrypted>"),
            mapping("/dev/sdc", "<snapshotId>snap-2</snapshotId><encrypted>true</encrypted>"),
            mapping("/dev/sdb", "<snapshotId>snap-3</snapshotId><encrypted>false</encrypted>"),
        );
        let snapshot = "<DescribeSnapshotsResponse><snapshotSet><item><kmsKeyId>arn:image</kmsKeyId></item></snapshotSet>\
                        </DescribeSnapshotsResponse>";
        let hidden = error("InvalidSnapshot.NotFound");
        let (seen, requests) = ask(&[(200, &whole), (200, &image), (200, snapshot), (400, &hidden)]).await;
        let expected = TemplateFacts {
            volume_keys: ["arn:image".to_owned(), "arn:own".to_owned()].into(),
            hidden_volumes: 1,
            ..facts(Some("ami-1"), Some("available"))
        };
        assert_eq!(seen, Ok(Some(expected)));
        assert!(requests[2].contains("SnapshotId.1=snap-1"), "{requests:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_volume_that_is_encrypted_without_a_key_takes_ebss_default_one() {
        let ebs = "<ebs><encrypted>true</encrypted></ebs>";
        let whole = versions(&format!(
            "<imageId>ami-1</imageId><blockDeviceMappingSet><item><deviceName>/dev/sdb</deviceName>{ebs}</item>\
             </blockDeviceMappingSet>"
        ));
        let image = "<DescribeImagesResponse><imagesSet><item><imageId>ami-1</imageId>\
                     <imageState>available</imageState></item></imagesSet></DescribeImagesResponse>";
        let key = |key: &str| {
            let tag = "GetEbsDefaultKmsKeyIdResponse";
            format!("<{tag}><kmsKeyId>{key}</kmsKeyId></{tag}>")
        };
        for (default, expected) in [("arn:own", vec!["arn:own".to_owned()]), ("alias/aws/ebs", Vec::new())] {
            let (seen, requests) = ask(&[(200, &whole), (200, image), (200, &key(default))]).await;
            let expected = TemplateFacts {
                volume_keys: expected.into_iter().collect(),
                has_plain_volume: true,
                ..facts(Some("ami-1"), Some("available"))
            };
            assert_eq!(seen, Ok(Some(expected)), "{default}");
            assert!(requests[2].contains("Action=GetEbsDefaultKmsKeyId"), "{requests:?}");
        }
        let none = "<GetEbsDefaultKmsKeyIdResponse/>";
        assert!(ask(&[(200, &whole), (200, image), (200, none)]).await.0.is_err(), "half an answer is none");
    }
}
