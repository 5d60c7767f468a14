//! What would a group launch? The version of its launch template and the image in it, in the function's own region.

use async_trait::async_trait;
use ports::Answer;
use ports::inspection::TemplateInspection;
use protocol::readiness::facts::{TemplateFacts, TemplateRef};

use crate::config::Sdk;
use crate::failure::if_there;
use crate::signed::{Content, Question, Signed};

const VERSIONS: &str = "ec2:DescribeLaunchTemplateVersions";
const IMAGES: &str = "ec2:DescribeImages";

/// The version of EC2's API.
const API: &str = "2016-11-15";

/// Launch templates of the function's own region.
pub struct Ec2Templates {
    signed: Signed,
}

impl Ec2Templates {
    /// In the function's own region.
    pub fn new(sdk: &Sdk) -> Self {
        Self { signed: sdk.signed() }
    }

    fn question(action: &'static str, fields: &[(&str, &str)]) -> Question {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Question { action, service: "ec2", content: Content::Form { version: API, fields: fields.collect() } }
    }

    /// The state of an image; nothing where it does not exist, or is not shown to this account.
    async fn image_state(&self, image: &str) -> Answer<Option<String>> {
        let answer = if_there(self.signed.xml(&Self::question(IMAGES, &[("ImageId.1", image)])).await)?;
        let state = answer.as_ref().and_then(|answer| answer.text(&["imagesSet", "item", "imageState"]));
        Ok(state.map(str::to_owned))
    }
}

#[async_trait]
impl TemplateInspection for Ec2Templates {
    async fn template(&self, template: &TemplateRef) -> Answer<Option<TemplateFacts>> {
        let fields = [
            ("LaunchTemplateId", template.id.as_str()),
            ("LaunchTemplateVersion.1", template.version.as_str()),
            // An image that is named by a parameter is told as what the parameter says today.
            ("ResolveAlias", "true"),
        ];
        let answer = self.signed.xml(&Self::question(VERSIONS, &fields)).await;
        let Some(answer) = if_there(answer)? else { return Ok(None) };
        let Some(version) = answer.at(&["launchTemplateVersionSet", "item"]) else { return Ok(None) };
        let image = version.text(&["launchTemplateData", "imageId"]).map(str::to_owned);
        let image_state = match &image {
            Some(image) => self.image_state(image).await?,
            None => None,
        };
        Ok(Some(TemplateFacts { image, image_state }))
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
        TemplateFacts { image: image.map(str::to_owned), image_state: state.map(str::to_owned) }
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
        let failure = ask(&[(403, &error("UnauthorizedOperation"))]).await.0.unwrap_err();
        assert_eq!((failure.kind, failure.action), (ports::FailureKind::Denied, VERSIONS));
    }
}
